"""Where calls are left for a moment: who made them goes on at once, and the sending thread looks what they were.

Between an answer and its reader nothing of ours is in the processor's caches, and every function costs a microsecond or
more. So a caller does no more than leave his call here, for as long as there is a thread that attends to it.
"""

import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

MANY = 16
"""As many calls wake the thread from its gathering: each keeps an HTTP response alive, and its many objects."""

AT_MOST = 32
"""Whoever leaves one more takes in the oldest: the thread is at work."""


class Doorstep:
    """First in, first out. Whoever takes in a call has what was left with it looked at, which puts it into the buffer."""

    def __init__(self, *, wake: Callable[[], None]) -> None:
        self._wake = wake
        self._left: deque[tuple[Callable[..., None], tuple[Any, ...]]] = deque()
        # Held for each call, so that who finds none left knows that all are in. Reentrant: see Buffer.
        self._taking_in = threading.RLock()
        self._is_attended = False
        self._is_asleep = False

    def __len__(self) -> int:
        return len(self._left)

    def leave(self, look: Callable[..., None], *seen: Any) -> None:
        """Have `look(*seen)` called, which raises nothing, by the sending thread; or now, when there is none."""
        self._left.append((look, seen))
        if not self._is_attended:
            self.take_in()
        elif self._is_asleep:
            self._is_asleep = False
            self._wake()
        elif len(self._left) >= MANY:
            self._make_room()

    @contextmanager
    def attended(self) -> Iterator[None]:
        """The sending thread's time: it calls `take_in` now and then, or is `asleep`. What is left at the end, it takes in."""
        self._is_attended = True
        try:
            yield
        finally:
            self._is_attended = False
            self.take_in()

    @contextmanager
    def asleep(self) -> Iterator[None]:
        """The time in which whoever leaves something, or had just done so, wakes the thread."""
        self._is_asleep = True
        if self._left:
            self._wake()
        try:
            yield
        finally:
            self._is_asleep = False

    def take_in(self) -> None:
        """Look at all that is left. Afterwards, also what other threads were looking at has been looked at."""
        while self._take_one():
            pass

    def _make_room(self) -> None:
        if len(self._left) > AT_MOST:
            self._take_one()
        elif len(self._left) % MANY == 0:
            self._wake()

    def _take_one(self) -> bool:
        with self._taking_in:
            if not self._left:
                return False
            look, seen = self._left.popleft()
            look(*seen)
        return True
