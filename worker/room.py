"""Room for classifications in this process: bounded as a whole and per endpoint, so that hung endpoints cannot fill it."""

import threading
from collections import Counter
from collections.abc import Mapping

from worker.gates import Gates
from worker.queues import classify_queue

NO_ROOM = "no room"


class Room:
    """Counts what is claimed and not yet written. Thread-safe.

    `total`, `per_endpoint` and `kept` are classifications: an endpoint gets `kept` also when others fill the room;
    `fewer` says which endpoints have less than `per_endpoint`. While
    `waiters_allowed` threads wait for one endpoint's room, its queue's gate is closed; while `waiters_in_all` wait for
    any, the gates of all they wait for are, and who would have to wait is turned away: the other threads stay free for
    other endpoints and for recording.
    """

    def __init__(
        self,
        *,
        total: int,
        per_endpoint: int,
        kept: int,
        waiters_allowed: int,
        waiters_in_all: int,
        gates: Gates,
        fewer: Mapping[str, int] | None = None,
    ) -> None:
        self._total = total
        self._per_endpoint = per_endpoint
        self._fewer = fewer or {}
        self._kept = kept
        self._waiters_allowed = waiters_allowed
        self._waiters_in_all = waiters_in_all
        self._gates = gates
        self._changed = threading.Condition()
        self._inside: Counter[str] = Counter()
        self._waiting: Counter[str] = Counter()
        self._turned_away: dict[str, int] = {}
        self._shut: set[str] = set()
        self.is_closed = False

    def enter(self, endpoint: str, places: int, *, wait: bool = True) -> bool:
        """Wait until `places` are free for `endpoint`, and take them.

        Return False once the room is closed, when there is no place and too many wait already, or without `wait`.
        """
        with self._changed:
            if not self._fits(endpoint, places) and not self.is_closed and not (wait and self._wait(endpoint, places)):
                return False
            if self.is_closed:
                return False
            self._inside[endpoint] += places
            return True

    def leave(self, endpoint: str, places: int) -> None:
        """Give `places` back."""
        if not places:
            return
        with self._changed:
            self._inside[endpoint] -= places
            self._turn_gates()
            self._changed.notify_all()

    def close(self) -> None:
        """Let nobody in any more: whoever waits is turned away."""
        with self._changed:
            self.is_closed = True
            self._changed.notify_all()

    def wait_until_empty(self, timeout_seconds: float) -> bool:
        """Return whether everybody left within `timeout_seconds`."""
        with self._changed:
            return self._changed.wait_for(lambda: self.inside == 0, timeout=timeout_seconds)

    @property
    def inside(self) -> int:
        return self._inside.total()

    def _fits(self, endpoint: str, places: int) -> bool:
        inside, total = self._inside[endpoint], self._inside.total()
        # A request larger than the whole room passes when the room is empty, else it would wait for ever.
        return (inside + places <= self._fewer.get(endpoint, self._per_endpoint) or inside == 0) and (
            total + places <= self._total or inside + places <= self._kept or total == 0
        )

    def _wait(self, endpoint: str, places: int) -> bool:
        """Return False when too many wait already."""
        if self._waiting.total() >= self._waiters_in_all:
            self._turned_away[endpoint] = places
            self._turn_gates()
            return False
        self._waiting[endpoint] += 1
        self._turn_gates()
        try:
            return self._changed.wait_for(lambda: self.is_closed or self._fits(endpoint, places))
        finally:
            self._waiting[endpoint] -= 1
            self._turn_gates()

    def _turn_gates(self) -> None:
        waiting = self._waiting.total()
        if not waiting and not self._shut and not self._turned_away:
            return
        crowded = waiting >= self._waiters_in_all
        self._turned_away = {
            endpoint: places
            for endpoint, places in self._turned_away.items()
            if crowded and not self._fits(endpoint, places)
        }
        shut = {one for one, threads in self._waiting.items() if threads >= (crowded or self._waiters_allowed)}
        shut |= self._turned_away.keys()
        for endpoint in self._shut - shut:
            self._gates.open(classify_queue(endpoint), because=NO_ROOM)
        for endpoint in shut - self._shut:
            self._gates.close(classify_queue(endpoint), because=NO_ROOM)
        self._shut = shut
