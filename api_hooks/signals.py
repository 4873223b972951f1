"""Wake a thread. Unlike `threading.Event`, setting it again inside itself cannot deadlock.

A signal handler or a finalizer may call `enqueue` while the same thread is inside `enqueue`; an Event's own lock
would then never be let go.
"""

import threading


class Signal:
    """Set by any thread, waited for by one."""

    __slots__ = ("_lock",)

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._lock.acquire()

    def set(self) -> None:
        """Let the waiting thread go on, or the next wait return at once."""
        if self._lock.locked():
            try:
                self._lock.release()
            except RuntimeError:
                return  # somebody else was faster

    def wait(self, seconds: float | None) -> bool:
        """Wait until it is set, and unset it. Return False when the seconds pass first; None waits for ever."""
        return self._lock.acquire(timeout=-1 if seconds is None else max(0.0, min(seconds, 1e6)))
