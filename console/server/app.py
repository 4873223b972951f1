"""The application: a route for every way in, behind key check and limits, and one shape for whatever goes wrong."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from importlib.metadata import PackageNotFoundError, version

from fastapi import FastAPI
from fastapi_offline import FastAPIOffline
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
        await house.stop()

    app = FastAPIOffline(  # its pages bring their scripts along: no network is needed to read them
        title="Aftertag",
        summary="Hand in LLM generations; they are recorded before the answer, and tagged afterwards.",
        version=_version(),
        lifespan=life,
        docs_url="/docs",
        redoc_url=None,
        redirect_slashes=False,
        exception_handlers=wrong.HANDLERS,
    )
    for way in ways:
        taking.add_route(app, way, house)
    health.add_routes(app, house)
    count = house.http_metrics.count_request
    return wrong.Guarded(app, count=lambda route, status, seconds: count(route, status, seconds=seconds))


def _version() -> str:
    try:
        return version("aftertag")
    except PackageNotFoundError:
        return "a checkout that is not installed"
