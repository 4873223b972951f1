"""No fork while the sending thread imports.

A module that is half imported at the fork stays locked in the child by a thread that the child does not have: there,
`import celery` would wait for ever, also in the application's own code.
"""

import threading

PATIENCE_SECONDS = 10.0

importing = threading.RLock()
"""Held by a sending thread while it imports, which takes it half a second once in its life."""

_is_held = False


def hold() -> None:
    """Before a fork: wait for an import that is under way."""
    global _is_held  # noqa: PLW0603 - the interpreter calls without arguments
    _is_held = importing.acquire(timeout=PATIENCE_SECONDS)


def let_go() -> None:
    """After a fork, in the parent."""
    if _is_held:
        importing.release()


def renew() -> None:
    """After a fork, in the child, where nobody would release what another thread holds."""
    global importing  # noqa: PLW0603 - see above
    importing = threading.RLock()
