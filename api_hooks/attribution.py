"""Who a generation belongs to: set around any code, and every call made inside it is attributed, whichever way it comes.

It travels with `contextvars`: into coroutines and tasks that start inside it, not into threads, unless their starter
copies its context (`asyncio.to_thread` does). What a call says itself wins; then this, the innermost first; then
`configure`.
"""

from collections.abc import Callable, Mapping
from contextlib import suppress
from contextvars import ContextVar
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Never, ParamSpec, Self, TypeVar

from api_hooks import decorating
from api_hooks.snapshot import taken

FIELDS = ("workspace", "app", "user", "session_id", "api_key_name")

P = ParamSpec("P")
R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class _Here:
    """What holds at a place: all fields, of the contexts around it, too; and the way back out."""

    fields: Mapping[str, Any]
    entered: "Context | None" = None
    outer: "_Here | None" = None
    depth: int = 0


_DEEPEST = 5_000
"""Contexts within each other whose ends are told apart: more than calls can be deep. A generator that is left inside of one
never ends it, and without a bound each would stay.
"""

_NOTHING: Mapping[str, Any] = {}
_OUTSIDE = _Here(_NOTHING)
_current: ContextVar[_Here] = ContextVar("aftertag_attribution", default=_OUTSIDE)


class Context:
    """One attribution, to be entered by `with` or `async with`, as often and in as many tasks as one likes; or a decorator."""

    def __init__(self, given: Mapping[str, Any], metadata: Mapping[str, Any]) -> None:
        self._given = given
        self._metadata = metadata

    def __enter__(self) -> Self:
        outer = _current.get()
        fields = {**outer.fields, **self._given}
        if self._metadata:
            fields["metadata"] = {**outer.fields.get("metadata", {}), **self._metadata}
        if outer.depth == _DEEPEST:
            outer = _Here(outer.fields)
        _current.set(_Here(fields, entered=self, outer=outer, depth=outer.depth + 1))
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        """Go back to what held outside. Where it never began (a generator that is closed elsewhere), nothing changes."""
        here: _Here | None = _current.get()
        while here is not None and here.entered is not self:
            here = here.outer
        if here is not None and here.outer is not None:
            _current.set(here.outer)

    async def __aenter__(self) -> Self:
        return self.__enter__()

    async def __aexit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self.__exit__()

    def __call__(self, function: Callable[P, R]) -> Callable[P, R]:
        return decorating.inside(self, function)


def context(
    *unknown: Never,
    workspace: str | None = None,
    app: str | None = None,
    user: str | None = None,
    session_id: str | None = None,
    api_key_name: str | None = None,
    metadata: Mapping[str, Any] | None = None,
    **unknown_too: Never,
) -> Context:
    """Attribute every call made inside: `with api_hooks.context(user="u-17"): …`, or as a decorator of a function, a
    coroutine function or a generator.

    Contexts add up; the inner one's fields win, key by key in `metadata`. What is given is copied here: the calls inside
    are attributed as it is now. Raises nothing of its own, but for a TypeError where it decorates a class: a field that
    makes no sense is left empty when the generation is sent.
    """
    given = (workspace, app, user, session_id, api_key_name)
    fields: dict[str, Any] = {name: value for name, value in zip(FIELDS, given, strict=True) if value is not None}
    with suppress(Exception):  # somebody else's mapping, whose truth may be its own matter, too
        if metadata is not None:
            fields["metadata"] = {**metadata}
    with suppress(Exception):
        taken(None, None, fields)
    added = fields.pop("metadata", _NOTHING)
    return Context(fields, added)


def current() -> Mapping[str, Any]:
    """Return what the contexts around here say: some of FIELDS, and `metadata`. Nobody changes it."""
    return _current.get().fields


def complete(fields: dict[str, Any], found: Mapping[str, Any]) -> None:
    """Fill in, of what `current()` was where a call began, what it does not say itself; its own keys of `metadata` win."""
    if found is _NOTHING:
        return
    for name, value in found.items():
        if fields.get(name) is None:
            fields[name] = value
        elif name == "metadata" and type(fields[name]) is dict:
            fields[name] = {**value, **fields[name]}
