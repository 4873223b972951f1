"""How much one key may bring in: so many generations a minute, a minute's worth of them at once."""

import math
import time
from collections.abc import Callable, Hashable

from console.server import errors

KEYS_KEPT = 10_000


class Rates:
    """Counts by key, as the generic cell rate algorithm does; for one thread, without end when `per_minute` is 0.

    The libraries that do this were left out: `limits` starts a thread a hit to expire its counters in memory, and
    pyrate-limiter keeps every hit of the last minute.
    """

    def __init__(self, *, per_minute: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._seconds_each = 60 / per_minute if per_minute else 0.0
        self._per_minute = per_minute
        self._clock = clock
        self._paid_until: dict[Hashable, float] = {}

    def enter(self, key: Hashable) -> None:
        """Count one. Raise TooManyError while the key is a minute ahead."""
        if not self._per_minute:
            return
        ahead = self._paid_until.get(key, 0.0) - self._clock()
        if ahead + self._seconds_each > 60:
            raise errors.TooManyError(
                f"The key brings in more than {self._per_minute:,} generations a minute"
                " (AFTERTAG_HTTP_GENERATIONS_PER_MINUTE); send it again after the seconds in Retry-After.",
                retry_after_seconds=max(1, math.ceil(ahead + self._seconds_each - 60)),
            )
        self.count(key, 1)

    def count(self, key: Hashable, generations: int) -> None:
        """Count more that came in with what has entered: it is not refused, and what comes next waits for it."""
        if self._per_minute and generations > 0:
            if len(self._paid_until) >= KEYS_KEPT and key not in self._paid_until:
                now = self._clock()
                self._paid_until = {one: until for one, until in self._paid_until.items() if until > now}
            begun = max(self._paid_until.get(key, 0.0), self._clock())
            self._paid_until[key] = begun + generations * self._seconds_each
