"""Last chances: what would end as `worker_lost` with one more lost lease is asked one at a time in a process.

A transcript that kills its worker takes with it the leases of all that the worker held. Without this, those that share
its bells would share its end.
"""

import threading
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from worker.store.outcomes import Ended
from worker.store.recording import Key

BELLS_KEPT = 1_000


class LastChances:
    """The bells that may hold some, one turn per process, and word of when what was asked stands in Postgres.

    Thread-safe. Of more than 1,000 bells the oldest are forgotten: the sweep rings again.
    """

    def __init__(self) -> None:
        self._bells: deque[tuple[str, Sequence[Key]]] = deque(maxlen=BELLS_KEPT)
        self._turn = threading.Lock()
        self._written = threading.Event()
        self._is_closed = False

    def put(self, endpoint: str, keys: Sequence[Key]) -> None:
        """Leave a bell to whoever has the turn."""
        self._bells.append((endpoint, keys))

    def bells(self) -> Iterator[tuple[str, Sequence[Key]]]:
        """Take the bells, oldest first, until there are none."""
        while self._bells:
            yield self._bells.popleft()

    @contextmanager
    def alone(self) -> Iterator[bool]:
        """Yield whether this thread has the turn, at once."""
        is_mine = self._turn.acquire(blocking=False)
        try:
            yield is_mine
        finally:
            if is_mine:
                self._turn.release()

    def begin(self) -> bool:
        """Get ready for one more; return False once closed."""
        self._written.clear()
        return not self._is_closed

    def wait_until_written(self) -> None:
        """Wait for the outcome of what was asked since `begin`, or for the end of the worker."""
        self._written.wait()

    def note(self, batch: Sequence[Ended]) -> None:
        """Take in what was written."""
        if any(one.claimed.last_chance for one in batch):
            self._written.set()

    def let_go(self) -> None:
        """Nothing will be written of what was asked."""
        self._written.set()

    def close(self) -> None:
        """Let nobody begin any more, and whoever waits go."""
        self._is_closed = True
        self._written.set()
