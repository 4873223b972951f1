"""No fork while a sending thread is at work.

What that thread holds at the fork stays held in the child, by a thread that the child does not have: a module that is
half imported, where `import celery` would wait for ever, also in the application's own code; and the locks in kombu's
properties, which all connections of a process share. Of 3,000 children of a parent that sent without pause, 14 hung there.
"""

import os
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

PATIENCE_SECONDS = 10.0


class Work:
    """Entered by a sending thread for one piece of its work, and by a thread that forks, bounded by its patience.

    A piece is sending one batch to Redis, which takes a Redis that hangs `socket_timeout_seconds`, or half a second of
    imports once in a process's life. Making generations is none: it runs the application's code, and holds nothing of ours
    that a child needs; nor is waiting for a server.
    """

    def __init__(self) -> None:
        # Reentrant: what is at work may itself fork. Two, so that a fork comes between two pieces: one lock would be
        # taken again by the thread that let it go, long before the one that waits has woken.
        self._next = threading.RLock()
        self._under_way = threading.RLock()

    def __enter__(self) -> None:
        with self._next:
            self._under_way.acquire()

    def __exit__(self, *_: object) -> None:
        self._under_way.release()

    @contextmanager
    def interrupted(self) -> Iterator[None]:
        """Let forks happen inside: for a wait that holds nothing which a child needs."""
        self._under_way.release()
        try:
            yield
        finally:
            self.__enter__()

    def hold(self, patience_seconds: float) -> bool:
        """Keep threads from working until `let_go`. Return False when one was still at work when patience ended."""
        deadline = time.monotonic() + patience_seconds
        return self._next.acquire(timeout=patience_seconds) and self._under_way.acquire(
            timeout=max(0.0, deadline - time.monotonic())
        )

    def let_go(self) -> None:
        """Let threads work again; by the thread that held them."""
        for lock in (self._under_way, self._next):
            with suppress(RuntimeError):  # patience was over, and it is not this thread's
                lock.release()


work = Work()


def will_fork_unseen() -> bool:
    """Whether this is uWSGI's first process, which forks its workers without a word to Python: no thread may run in it.

    A worker that is forked while our thread has the interpreter never gets it: a third of them hung.
    """
    server = sys.modules.get("uwsgi")
    try:
        return server is not None and server.masterpid() == os.getpid()
    except Exception:  # noqa: BLE001 - somebody else's module of that name
        return False


def hold() -> None:
    """Before a fork: wait for what is under way. With a Redis that hangs this takes up to its timeout (1 s), at most 10 s."""
    work.hold(PATIENCE_SECONDS)


def let_go() -> None:
    """After a fork, in the parent."""
    work.let_go()


def renew() -> None:
    """After a fork, in the child, where nobody would release what another thread holds."""
    global work  # noqa: PLW0603 - the interpreter calls without arguments
    work = Work()
