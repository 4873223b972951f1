"""Writing rows whose days may be missing: the day is made, and the rows written in the transaction after that."""

from collections.abc import Callable, Set
from datetime import date
from typing import TypeVar

from worker.recorder import Recorder
from worker.store import engine as engines
from worker.store import partitions
from worker.store.connecting import Connection, DatabaseError

Written = TypeVar("Written")


def with_days(recorder: Recorder, days: Set[date], write: Callable[[Connection], Written]) -> Written:
    """Return what `write` returns from a transaction of its own, in which these days are there."""
    if not days <= recorder.known_days:
        partitions.make(recorder.engine, days)
        recorder.known_days.update(days)
    try:
        with recorder.engine.begin() as connection:
            return write(connection)
    except DatabaseError as error:
        if not engines.is_missing_partition(error):
            raise
    recorder.known_days.difference_update(days)  # upkeep dropped one of them since this process saw it
    partitions.make(recorder.engine, days)
    with recorder.engine.begin() as connection:
        return write(connection)
