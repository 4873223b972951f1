"""Room for classifications in this process: bounded as a whole and per endpoint, so that a hung endpoint cannot fill it."""

import threading
from collections import Counter

from worker.gates import Gates
from worker.queues import classify_queue

NO_ROOM = "no room"


class Room:
    """Counts what is claimed and not yet written. Thread-safe.

    `total` and `per_endpoint` are classifications. While `waiters_allowed` threads wait for one endpoint's room,
    its queue's gate is closed: the other threads stay free for other endpoints and for recording.
    """

    def __init__(self, *, total: int, per_endpoint: int, waiters_allowed: int, gates: Gates) -> None:
        self._total = total
        self._per_endpoint = per_endpoint
        self._waiters_allowed = waiters_allowed
        self._gates = gates
        self._changed = threading.Condition()
        self._inside: Counter[str] = Counter()
        self._waiting: Counter[str] = Counter()
        self._closed = False

    def enter(self, endpoint: str, places: int) -> bool:
        """Wait until `places` are free for `endpoint`, and take them; return False once the room is closed."""
        with self._changed:
            if not self._fits(endpoint, places) and not self._closed:
                self._wait(endpoint, places)
            if self._closed:
                return False
            self._inside[endpoint] += places
            return True

    def leave(self, endpoint: str, places: int) -> None:
        """Give `places` back."""
        if not places:
            return
        with self._changed:
            self._inside[endpoint] -= places
            self._changed.notify_all()

    def close(self) -> None:
        """Let nobody in any more: whoever waits is turned away."""
        with self._changed:
            self._closed = True
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
        return (inside + places <= self._per_endpoint or inside == 0) and (total + places <= self._total or total == 0)

    def _wait(self, endpoint: str, places: int) -> None:
        queue = classify_queue(endpoint)
        self._waiting[endpoint] += 1
        if self._waiting[endpoint] >= self._waiters_allowed:
            self._gates.close(queue, because=NO_ROOM)
        try:
            self._changed.wait_for(lambda: self._closed or self._fits(endpoint, places))
        finally:
            self._waiting[endpoint] -= 1
            if self._waiting[endpoint] < self._waiters_allowed:
                self._gates.open(queue, because=NO_ROOM)
