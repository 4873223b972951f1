"""Where generations wait for the sending thread: bounded in count and in bytes."""

import threading
from collections import deque
from collections.abc import Callable
from typing import Any


class Buffer:
    """First in, first out. `put` holds the lock for a few hundred nanoseconds; `on_loss` is told why one was dropped."""

    def __init__(
        self,
        *,
        most_generations: int,
        most_bytes: int,
        drops_oldest: bool,
        wake: Callable[[], None],
        on_loss: Callable[[str], None],
    ) -> None:
        self._most_generations = most_generations
        self._most_bytes = most_bytes
        self._half_of_generations = (most_generations + 1) // 2
        self._half_of_bytes = (most_bytes + 1) // 2
        self._drops_oldest = drops_oldest
        self._wake = wake
        self._on_loss = on_loss
        # Reentrant: a finalizer or a signal handler may enqueue while this thread is in here.
        self._lock = threading.RLock()
        self._waiting: deque[tuple[int, Any]] = deque()
        self.bytes = 0
        self.entered = 0
        self.left = 0

    def __len__(self) -> int:
        return len(self._waiting)

    @property
    def is_half_full(self) -> bool:
        return len(self._waiting) >= self._half_of_generations or self.bytes >= self._half_of_bytes

    def put(self, snapshot: Any, size: int) -> bool:
        """Return False when it was dropped: the buffer is full, or the snapshot is larger than all of it."""
        if size > self._most_bytes:
            self._on_loss("too_large")
            return False
        evicted: Any = None  # let go of after the lock: a finalizer of the application's may take its time
        with self._lock:
            while len(self._waiting) >= self._most_generations or self.bytes + size > self._most_bytes:
                if not self._drops_oldest:
                    self._on_loss("buffer_full")
                    return False
                evicted = (evicted, self.take())
                self._on_loss("buffer_full")
            self._waiting.append((size, snapshot))
            self.bytes += size
            self.entered += 1
            count = len(self._waiting)
            becomes_half_full = (
                count == self._half_of_generations or self.bytes - size < self._half_of_bytes <= self.bytes
            )
            if count == 1 or becomes_half_full:
                self._wake()
        return True

    def take(self) -> Any:
        """Return the oldest snapshot, or None when there is none."""
        with self._lock:
            if not self._waiting:
                return None
            size, snapshot = self._waiting.popleft()
            self.bytes -= size
            self.left += 1
        return snapshot
