"""The last words of a process: its line is closed when it ends, also where the interpreter's own end does not come."""

import atexit
import sys
from collections.abc import Callable
from typing import Any


def at_the_end_of_the_interpreter(close: Callable[[], None]) -> None:
    """Once per process, when its line is made; forked children inherit it."""
    atexit.register(close)


def at_the_end_of_a_child(close: Callable[[], None]) -> None:
    """In each process that sends, when its thread starts: children of multiprocessing and of Celery end without atexit.

    multiprocessing runs finalizers of its own. Celery's prefork processes run nothing but their signal's receivers.
    """
    finalizers = sys.modules.get("multiprocessing.util")
    if finalizers is not None and sys.modules["multiprocessing"].parent_process() is not None:
        finalizers.Finalize(None, close, exitpriority=100)
    # Half a module, where another thread is importing Celery just now: this is no process of Celery's then.
    shutdown = getattr(sys.modules.get("celery.signals"), "worker_process_shutdown", None)
    if shutdown is not None:

        def receive(**_: Any) -> None:
            close()

        shutdown.connect(receive, weak=False, dispatch_uid="aftertag-hook")
