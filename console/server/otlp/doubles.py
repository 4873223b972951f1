"""One call seen by several instruments is one generation: by its id, or as spans within each other."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from api_hooks.wire import naming
from console.server.otlp.lately import Lately
from console.server.otlp.spans import Span

_OF_THE_CALL = ("messages", "output", "tools", "usage", "cost_usd", "finish_reason")
_OF_ITS_SURROUNDINGS = ("user", "session_id", "app", "api_key_name", "model", "provider")
_BY_SPAN = naming.SPAN_NAME
_INSTRUMENTS_AT_MOST = 8
"""Around one call; a request of spans that are nested deeper would cost the square of them."""


@dataclass(slots=True, kw_only=True)
class View:
    """What one instrument saw of a call."""

    span: Span
    document: dict[str, Any] = field(repr=False)

    @property
    def place(self) -> tuple[str, str]:
        return (self.span.trace_id, self.span.span_id)

    @property
    def parent(self) -> tuple[str, str]:
        return (self.span.trace_id, self.span.parent_id)


def joined(views: Sequence[View]) -> list[View]:
    """Return one view of each call, in their order; what it does not say is taken from the others."""
    return _joined_by_place(_joined_by_id(views))


def not_told_before(views: Sequence[View], *, workspace: str, lately: Lately) -> list[View]:
    """Name by the call within it what else would be known by its span alone, and leave out what is around several calls."""
    kept = []
    for view in views:
        document = view.document
        is_named_by_its_span = document["id"] is None or document["id"].startswith(_BY_SPAN)
        within = lately.within((workspace, *view.place)) if is_named_by_its_span and view.span.span_id else None
        if within is not None:
            document["id"] = within.generation_id
        if document["id"] is not None and view.span.parent_id:
            lately.remember((workspace, *view.parent), document["id"])
        if within is None or within.is_alone:
            kept.append(view)
    return kept


def _joined_by_id(views: Sequence[View]) -> list[View]:
    firsts: dict[str, View] = {}
    kept = []
    for view in views:
        id_ = view.document["id"]
        if id_ is None or (first := firsts.setdefault(id_, view)) is view:
            kept.append(view)
        else:
            _complete(first, view, whole=True)
    return kept


def _joined_by_place(views: Sequence[View]) -> list[View]:
    """A model call holds no other: of spans within each other the innermost is the call.

    A span around several calls is an aggregate, whose usage and text are theirs already.
    """
    at = {view.place: view for view in views if view.span.span_id}
    around = [at.get(view.parent) if view.span.parent_id else None for view in views]
    calls_within: dict[int, int] = {}
    for outer in around:
        if outer is not None:
            calls_within[id(outer)] = calls_within.get(id(outer), 0) + 1
    if not calls_within:
        return list(views)
    outer_of = {id(view): outer for view, outer in zip(views, around, strict=True)}
    covered: set[int] = set()
    for view in views:
        if id(view) not in calls_within:  # an innermost one; spans in a circle have none, and all stay
            _take_in(view, outer_of=outer_of, calls_within=calls_within, covered=covered)
    return [view for view in views if id(view) not in covered]


def _take_in(view: View, *, outer_of: dict[int, View | None], calls_within: dict[int, int], covered: set[int]) -> None:
    alone = True
    climbed = {id(view)}
    outer = outer_of[id(view)]
    while outer is not None and id(outer) not in climbed and len(climbed) <= _INSTRUMENTS_AT_MOST:
        alone = alone and calls_within[id(outer)] == 1
        _complete(view, outer, whole=alone)
        covered.add(id(outer))
        climbed.add(id(outer))
        outer = outer_of[id(outer)]


def _complete(view: View, other: View, *, whole: bool) -> None:
    document, seen = view.document, other.document
    for name in (*_OF_THE_CALL, *_OF_ITS_SURROUNDINGS) if whole else _OF_ITS_SURROUNDINGS:
        if document[name] is None or document[name] == {}:
            document[name] = seen[name]
    document["metadata"] = {**seen["metadata"], **document["metadata"]}
    document["streamed"] = document["streamed"] or (whole and seen["streamed"])
    document["own_call"] = document["own_call"] or (seen["own_call"] if whole else None)
    if whole and document["id"] is not None and document["id"].startswith(_BY_SPAN) and seen["id"] is not None:
        document["id"] = seen["id"]
