"""The days that a sweep looks into: those about today, and the older ones on which something was unfinished lately."""

import threading
import time
from collections.abc import Callable
from datetime import date, timedelta

from worker.store import engine as engines
from worker.store import partitions, spans, unfinished
from worker.store.connecting import Engine
from worker.store.spans import Span

RECENT_DAYS = 2
"""So old a day is looked into by every sweep: what comes in is rarely older than yesterday, by anybody's clock."""

LOOKING_SHARE = 0.02
"""Of the time goes into looking through all days that are kept: with few of them that is done at every sweep.

1,500 days take 0.6 s. Statements without bounds took 1.4 s of every sweep, and a third of all locks.
"""

LOOKS_WITHIN_SECONDS = 30.0
"""A connection's first look takes longer, and an import waits to be found."""


class OpenDays:
    """What one process knows of them. What it does not know yet was recorded lately, and recording rang for it."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._older: set[date] = set()
        self._look_again_at = -float("inf")

    def spans(self, engine: Engine, *, today: date) -> list[Span]:
        """Return them as spans, the oldest first; looks through all days when that was last done long enough ago."""
        with self._lock, engines.reading(engine) as connection:
            existing = partitions.days_of(connection, "classifications")
            recent = {day for day in existing if day >= today - timedelta(days=RECENT_DAYS)}
            began = self._clock()
            if began >= self._look_again_at:
                self._older = unfinished.days(connection, [day for day in existing if day not in recent])
                ended = self._clock()
                self._look_again_at = ended + min((ended - began) / LOOKING_SHARE, LOOKS_WITHIN_SECONDS)
            return spans.over(existing, recent | self._older)
