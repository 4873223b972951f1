"""Each endpoint's health, in memory: cooled by Retry-After, open after 401 and 402, and closed by itself.

A 403 is about one model of the endpoint: it leaves the other models, and so the other workspaces, alone.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass

from classifier_models.reply import Answered, Case, Reply

PROBE_SECONDS = 30.0
PROBE_LIMIT_SECONDS = 300.0
COOLING_LIMIT_SECONDS = 900.0

REASON_WHEN_OPEN = {
    Case.UNAUTHORIZED: "auth_failed",
    Case.FORBIDDEN: "auth_failed",
    Case.OUT_OF_CREDIT: "quota_exhausted",
}
# After these nobody knows whether the key would be accepted by now.
PROVES_NOTHING = frozenset({Case.TIMEOUT, Case.UNREACHABLE, Case.SERVER_ERROR})


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """Do not call now: why, and when asking the breaker again makes sense."""

    reason: str
    after_seconds: float


@dataclass(slots=True)
class _Health:
    cooled_until: float = 0.0
    open_reason: str | None = None
    probe_at: float = 0.0
    probe_seconds: float = 0.0


_Place = tuple[str, str | None]
"""(endpoint, model); model None: the endpoint itself."""


class Breaker:
    """The health of a process's endpoints; safe to use from several threads. `clock` is monotonic, in seconds."""

    def __init__(self, *, clock: Callable[[], float], probe_seconds: float = PROBE_SECONDS) -> None:
        self._clock = clock
        self._probe_seconds = probe_seconds
        self._lock = threading.Lock()
        self._health: dict[_Place, _Health] = {}

    def admit(self, endpoint: str, model: str) -> Held | None:
        """Return None when the model may be called now; while open, that is one call per probe interval."""
        with self._lock:
            now = self._clock()
            found = [self._health[at] for at in ((endpoint, None), (endpoint, model)) if at in self._health]
            for health in found:
                if held := _held(health, now):
                    return held
            for health in found:  # only now: a probe that the other one holds back is not spent
                if health.open_reason is not None:
                    # Whatever becomes of this probe, also nothing: the next one is due an interval later.
                    health.probe_seconds = min(health.probe_seconds * 2, PROBE_LIMIT_SECONDS)
                    health.probe_at = now + health.probe_seconds
            return None

    def learn(self, endpoint: str, model: str, reply: Reply) -> None:
        """Take in how a call of the model at the endpoint ended."""
        if isinstance(reply, Answered):
            self._close((endpoint, None), (endpoint, model))
        elif reply.case is Case.FORBIDDEN:
            self._close((endpoint, None))  # who was refused one model was recognised
            self._open((endpoint, model), REASON_WHEN_OPEN[reply.case])
        elif reply.case in REASON_WHEN_OPEN:
            self._open((endpoint, None), REASON_WHEN_OPEN[reply.case])
        elif reply.retry_after_seconds is not None:
            self._cool((endpoint, None), reply.retry_after_seconds)
        elif reply.case not in PROVES_NOTHING:
            self._close((endpoint, None), (endpoint, model))

    def is_open(self, endpoint: str, model: str | None = None) -> bool:
        """Return whether the endpoint, or this model of it, waits for its operator."""
        with self._lock:
            health = self._health.get((endpoint, model))
            return health is not None and health.open_reason is not None

    def _open(self, place: _Place, reason: str) -> None:
        with self._lock:
            health = self._health.setdefault(place, _Health())
            if health.open_reason is None:  # the calls that were in flight beside the first change nothing
                health.probe_seconds = self._probe_seconds
                health.probe_at = self._clock() + self._probe_seconds
            health.open_reason = reason

    def _cool(self, place: _Place, seconds: float) -> None:
        with self._lock:
            health = self._health.setdefault(place, _Health())
            until = self._clock() + min(seconds, COOLING_LIMIT_SECONDS)
            health.cooled_until = max(health.cooled_until, until)

    def _close(self, *places: _Place) -> None:
        for place in places:
            if place in self._health:  # the hot path takes no lock; a stale look costs one probe at most
                with self._lock:
                    self._health[place].open_reason = None


def _held(health: _Health, now: float) -> Held | None:
    if now < health.cooled_until:
        return Held(reason="rate_limited", after_seconds=health.cooled_until - now)
    if health.open_reason is not None and now < health.probe_at:
        return Held(reason=health.open_reason, after_seconds=health.probe_at - now)
    return None
