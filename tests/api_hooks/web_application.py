"""A WSGI application that hands over a generation per request; run by real gunicorn and uWSGI in their tests.

HOOK_URL is where the hook sends; with HOOK_EARLY the module hands one over while it is loaded, so that with preloading
the server's first process has a line, and a thread, before it forks.
"""

import os
import time
from collections.abc import Callable, Iterable
from typing import Any

import api_hooks

api_hooks.configure(url=os.environ["HOOK_URL"], workspace="acme", flush_seconds=30, exit_seconds=10)
if os.environ.get("HOOK_EARLY"):
    api_hooks.enqueue("early", id=f"early-{os.getpid()}")


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """Answer with the worker's process id."""
    path = environ["PATH_INFO"]
    if path == "/busy":  # long enough for another request to go to another worker
        time.sleep(0.3)
        start_response("200 OK", [("Content-Type", "text/plain")])
        return [str(os.getpid()).encode()]
    accepted = api_hooks.enqueue(path, id=f"{path}-{os.getpid()}")
    start_response("200 OK" if accepted else "500 Dropped", [("Content-Type", "text/plain")])
    return [str(os.getpid()).encode()]
