"""While Postgres is away: a worker consumes nothing and what was begun waits, unacknowledged; a server says so."""

import threading
import time
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


class PostgresAwayError(Exception):
    """Postgres is away, or cannot take the statement for now; whoever waits for an answer hears it."""


class Impatience:
    """For who answers a request: an absence of Postgres is told at once, what others are in the way of is tried again."""

    def outlast(self, step: Callable[[], Result], *, without_end: bool = False) -> Result:
        """Return what `step` returns; raise PostgresAwayError while it cannot be done, after six seconds at the most."""
        pauses = iter(engines.PAUSES_SECONDS)
        while True:
            try:
                return step()
            except (DatabaseError, NoConnectionError) as error:
                if engines.is_in_the_way(error) and (pause := next(pauses, None)):
                    time.sleep(pause)
                elif engines.is_outage(error) or engines.is_hindered(error):
                    raise PostgresAwayError from None
                else:
                    raise


class Outage:
    """Waits out an absence of Postgres. One per process; several threads may wait at once."""

    def __init__(self, *, engine: Engine, gates: Gates) -> None:
        self._engine = engine
        self._gates = gates
        self._stopping = threading.Event()

    def outlast(self, step: Callable[[], Result], *, without_end: bool = False) -> Result:
        """Return what `step` returns, trying again for as long as Postgres is away; raise Stopping at a shutdown.

        What others are in the way of is tried again for six seconds, with the queues open. `without_end` tries that, and what
        was cancelled, for ever: for what has nowhere else to go.
        """
        pauses = iter(engines.PAUSES_SECONDS)
        while True:
            try:
                result = step()
            except (DatabaseError, NoConnectionError) as error:
                if engines.is_outage(error):
                    self._wait()
                elif engines.is_in_the_way(error) and (pause := next(pauses, None)):
                    self._pause(pause, error)
                elif without_end and engines.is_hindered(error):
                    self._pause(LOOK_AGAIN_SECONDS, error)
                else:
                    raise
            else:
                return result

    def give_up(self) -> None:
        """Let everyone who waits raise Stopping."""
        self._stopping.set()

    def _pause(self, seconds: float, error: BaseException) -> None:
        if engines.has_no_lock_left(error):
            log.error(
                "Postgres has no lock left; raise max_locks_per_transaction, `aftertag doctor` says to what",
                seconds=seconds,
            )
        else:
            log.warning("others are in the way in Postgres; trying again", seconds=seconds)
        if self._stopping.wait(seconds):
            raise Stopping

    def _wait(self) -> None:
        self._gates.close_all(because=POSTGRES_AWAY)
        log.warning("Postgres is away; nothing is consumed until it is back")
        while not self._stopping.wait(LOOK_AGAIN_SECONDS):
            if engines.answers(self._engine):
                self._gates.open_all(because=POSTGRES_AWAY)
                return
        raise Stopping
