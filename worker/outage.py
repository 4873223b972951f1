"""While Postgres is away: nothing is consumed, and what was begun waits, unacknowledged."""

import threading
from collections.abc import Callable
from typing import TypeVar

import structlog

from worker.gates import Gates
from worker.store import engine as engines
from worker.store.connecting import DatabaseError, Engine, NoConnectionError

POSTGRES_AWAY = "postgres is away"
LOOK_AGAIN_SECONDS = 1.0

Result = TypeVar("Result")
log = structlog.get_logger()


class Stopping(Exception):  # noqa: N818 - no error: the worker ends before Postgres came back
    """The worker stops; leave the message to another."""


class Outage:
    """Waits out an absence of Postgres. One per process; several threads may wait at once."""

    def __init__(self, *, engine: Engine, gates: Gates) -> None:
        self._engine = engine
        self._gates = gates
        self._stopping = threading.Event()

    def outlast(self, step: Callable[[], Result]) -> Result:
        """Return what `step` returns, trying again for as long as Postgres is away; raise Stopping at a shutdown."""
        while True:
            try:
                result = step()
            except (DatabaseError, NoConnectionError) as error:
                if not engines.is_outage(error):
                    raise
                self._wait()
            else:
                return result

    def give_up(self) -> None:
        """Let everyone who waits raise Stopping."""
        self._stopping.set()

    def _wait(self) -> None:
        self._gates.close_all(because=POSTGRES_AWAY)
        log.warning("Postgres is away; nothing is consumed until it is back")
        while not self._stopping.wait(LOOK_AGAIN_SECONDS):
            if engines.answers(self._engine):
                self._gates.open_all(because=POSTGRES_AWAY)
                return
        raise Stopping
