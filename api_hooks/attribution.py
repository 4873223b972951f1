"""Who a generation belongs to: set around any code, and every call made inside it is attributed, whichever way it comes.

It travels with `contextvars`: into coroutines and tasks that start inside it, not into threads, unless their starter
copies its context. What a call says itself wins; then this, the innermost first; then `configure`.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from typing import Any, Never

from api_hooks.snapshot import taken

FIELDS = ("workspace", "app", "user", "session_id", "api_key_name")

_NOTHING: Mapping[str, Any] = {}
_current: ContextVar[Mapping[str, Any]] = ContextVar("aftertag_attribution", default=_NOTHING)


@contextmanager
def context(
    *unknown: Never,
    workspace: str | None = None,
    app: str | None = None,
    user: str | None = None,
    session_id: str | None = None,
    api_key_name: str | None = None,
    metadata: Mapping[str, Any] | None = None,
    **unknown_too: Never,
) -> Iterator[None]:
    """Attribute every call made inside: `with api_hooks.context(user="u-17"): …`, or as a decorator of a function.

    Contexts add up; the inner one's fields win, key by key in `metadata`. What is given is copied here: the calls inside
    are attributed as it is now. Raises nothing of its own: a field that makes no sense is left empty when the generation
    is sent.
    """
    given = (workspace, app, user, session_id, api_key_name)
    inner: dict[str, Any] = {name: value for name, value in zip(FIELDS, given, strict=True) if value is not None}
    outer = _current.get()
    with suppress(Exception):  # somebody else's mapping, whose truth may be its own matter, too
        if metadata is not None and (added := {**metadata}):
            inner["metadata"] = {**outer.get("metadata", {}), **added}
        taken(None, None, inner)
    token = _current.set({**outer, **inner})
    try:
        yield
    finally:
        with suppress(ValueError):  # a generator that is closed in another context than the one it began in
            _current.reset(token)


current = _current.get
"""What the contexts around here say: some of FIELDS, and `metadata`. Nobody changes it."""


def complete(fields: dict[str, Any], found: Mapping[str, Any]) -> None:
    """Fill in, of what `current()` was where a call began, what it does not say itself; its own keys of `metadata` win."""
    if found is _NOTHING:
        return
    for name, value in found.items():
        if fields.get(name) is None:
            fields[name] = value
        elif name == "metadata" and type(fields[name]) is dict:
            fields[name] = {**value, **fields[name]}
