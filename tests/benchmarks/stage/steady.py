"""Measuring a line while it runs evenly: from when it has warmed up until shortly before its backlog ends."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from tests.benchmarks.stage import backlog
from tests.benchmarks.stage.programs import ModelServer, Program
from tests.benchmarks.stage.services import Place
from tests.waiting import wait_until


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """An even stretch: its ends by the database's clock, and what the program used of the CPU in it."""

    earliest: datetime
    latest: datetime
    cpu_seconds: float

    @property
    def seconds(self) -> float:
        return (self.latest - self.earliest).total_seconds()


def measure(place: Place, program: Program, *, seconds: float, until: Callable[[], object]) -> Window:
    """Measure for `seconds`, or less when `until` comes true first."""
    with place.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        earliest, cpu = backlog.database_now(connection), program.cpu_seconds()
        give_up_at = time.monotonic() + seconds
        while time.monotonic() < give_up_at and not until():
            time.sleep(0.2)
        latest, used = backlog.database_now(connection), program.cpu_seconds() - cpu
    return Window(earliest=earliest, latest=latest, cpu_seconds=used)


def wait_for_calls(server: ModelServer, calls: int, *, deadline_seconds: float) -> None:
    """Return when the model server was called so often."""
    wait_until(lambda: server.total() >= calls, deadline_seconds=deadline_seconds, what=f"call number {calls}")
