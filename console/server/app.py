"""The application: a route for every way in, behind key check and limits, and one shape for whatever goes wrong."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from fastapi import FastAPI
from starlette.types import ASGIApp

from console.server import health, taking, wrong
from console.server.house import House
from console.server.routes import WAYS
from console.server.ways import Way


def make(house: House, *, ways: Sequence[Way] = WAYS) -> ASGIApp:
    """Return the ASGI application over `house`, which it starts and stops with itself."""

    @asynccontextmanager
    async def life(_: FastAPI) -> AsyncIterator[None]:
        house.start()
        yield
        house.stop()

    app = FastAPI(
        title="Aftertag",
        summary="Hand in LLM generations; they are recorded before the answer, and tagged afterwards.",
        lifespan=life,
        docs_url=None,
        redoc_url=None,
        exception_handlers=wrong.HANDLERS,
    )
    for way in ways:
        taking.add_route(app, way, house)
    health.add_routes(app, house)
    return wrong.Guarded(app)
