"""Hears what a caller's thread asks of the operating system, so that "does not block" needs no clock."""

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

_listened_to: set[int] = set()
_heard: list[str] = []


@contextmanager
def listening_to_this_thread() -> Iterator[list[str]]:
    """Yield what this thread asks of the interpreter that is audited: files, sockets, names, imports, threads."""
    if not getattr(_hear, "is_installed", False):
        sys.addaudithook(_hear)
        _hear.is_installed = True  # type: ignore[attr-defined]
    _heard.clear()
    _listened_to.add(threading.get_ident())
    try:
        yield _heard
    finally:
        _listened_to.discard(threading.get_ident())


def _hear(event: str, _: object) -> None:
    if _listened_to and threading.get_ident() in _listened_to and event not in ("object.__getattr__", "sys._getframe"):
        _heard.append(event)
