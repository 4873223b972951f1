"""Whether the process lives (/healthz), and whether it can do its work (/readyz)."""

import asyncio

from fastapi import FastAPI

from console.server import errors
from console.server.house import House
from worker.store import engine as engines
from worker.store import migrations

READY_SECONDS = 3.0


def add_routes(app: FastAPI, house: House) -> None:
    wanted = migrations.head()

    @app.get("/healthz", summary="Whether the process lives", tags=["Health"])
    async def healthz() -> dict[str, str]:
        return {"status": "ok"}

    @app.get("/readyz", summary="Whether Postgres answers and has this release's schema", tags=["Health"])
    async def readyz() -> dict[str, str]:
        try:
            missing = await asyncio.wait_for(house.keyring.run(lambda: _missing(house, wanted)), READY_SECONDS)
        except TimeoutError:
            missing = "PostgreSQL does not answer in time."
        if missing:
            raise errors.NotNowError(missing)
        return {"status": "ready"}


def _missing(house: House, wanted: str) -> str | None:
    if not engines.answers(house.engine):
        return "PostgreSQL does not answer; start it, or look at AFTERTAG_DATABASE_URL."
    found = migrations.current(house.engine)
    if found != wanted:
        return f"The schema is at {found or 'nothing'!r}, this release needs {wanted!r}; run `aftertag migrate`."
    return None
