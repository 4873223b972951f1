"""When to try sending again after it failed: sooner at first, then every few seconds; it closes by itself."""

from collections.abc import Callable


class Breaker:
    """Open for `first_seconds` after a failure, twice as long after each further one, up to `longest_seconds`.

    What the other side asks for (`wait_seconds`) holds in any case, also for somebody who waits.
    """

    def __init__(
        self, *, clock: Callable[[], float], first_seconds: float = 0.25, longest_seconds: float = 5.0
    ) -> None:
        self._clock = clock
        self._first_seconds = first_seconds
        self._longest_seconds = longest_seconds
        self._failures = 0
        self._open_until = 0.0
        self._asked_until = 0.0

    @property
    def seconds_to_wait(self) -> float:
        """How long it stays open; 0 while it is closed, or due to be tried."""
        return max(0.0, max(self._open_until, self._asked_until) - self._clock()) if self._failures else 0.0

    @property
    def is_failing(self) -> bool:
        """Whether the last attempt failed."""
        return self._failures > 0

    def failed(self, *, wait_seconds: float = 0.0) -> None:
        seconds = min(self._longest_seconds, self._first_seconds * 2 ** min(self._failures, 10))
        self._failures += 1
        self._open_until = self._clock() + seconds
        self._asked_until = self._clock() + wait_seconds

    def succeeded(self) -> None:
        self._failures = 0

    def try_now(self) -> None:
        """Let one attempt through: somebody waits for it."""
        self._open_until = 0.0
