"""Which queues this process may consume from at the moment; the broker's channel asks before every fetch.

A queue without room, or every queue while Postgres is away, is closed here and opened again from whatever thread
learns of it, while the other queues go on.
"""

import threading
from collections.abc import Callable

_EVERY_QUEUE = "*"


class Gates:
    """The open and closed queues of one process. Thread-safe; every queue starts open.

    A queue stays closed until each reason it was closed for is taken back, so that "Postgres is back" does not open a
    queue that is closed for want of room. Closing twice for one reason is closing once. A fetch that is under way when
    its queue closes may still deliver one message; after opening, fetching resumes within about 0.1 s.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._reasons: dict[str, frozenset[str]] = {}
        self._wake: Callable[[], object] | None = None

    def close(self, queue: str, *, because: str) -> None:
        """Stop consuming `queue`."""
        with self._lock:
            self._reasons = {**self._reasons, queue: self._reasons.get(queue, frozenset()) | {because}}

    def open(self, queue: str, *, because: str) -> None:
        """Take the reason back; `queue` is open once none is left. Opening what is open does nothing."""
        with self._lock:
            left = self._reasons.get(queue, frozenset()) - {because}
            others = {name: reasons for name, reasons in self._reasons.items() if name != queue}
            self._reasons = {**others, queue: left} if left else others
            wake = self._wake
        if wake is not None:
            wake()

    def close_all(self, *, because: str) -> None:
        """Stop consuming every queue, known yet or not."""
        self.close(_EVERY_QUEUE, because=because)

    def open_all(self, *, because: str) -> None:
        """Take back what `close_all` closed; queues closed one by one stay closed."""
        self.open(_EVERY_QUEUE, because=because)

    def is_open(self, queue: str) -> bool:
        """Return whether no reason stands against consuming `queue`."""
        reasons = self._reasons
        return _EVERY_QUEUE not in reasons and queue not in reasons

    def closed(self) -> dict[str, frozenset[str]]:
        """Return why each closed queue is closed; `*` stands for every queue."""
        return dict(self._reasons)

    def wake_with(self, wake: Callable[[], object] | None) -> None:
        """Call `wake` (from any thread, never blocking) after each opening, so that a sleeping consumer looks again."""
        with self._lock:
            self._wake = wake
