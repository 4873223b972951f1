"""One call seen by several instruments is one generation: by its id, or as spans within each other."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from api_hooks.wire import naming
from console.server.otlp.lately import Call, Lately
from console.server.otlp.spans import Span

_OF_THE_CALL = ("messages", "output", "tools", "usage", "cost_usd", "finish_reason")
_OF_ITS_SURROUNDINGS = ("user", "session_id", "app", "api_key_name", "model", "provider")
_BY_SPAN = naming.SPAN_NAME
_INSTRUMENTS_AT_MOST = 8
"""Around one call; a request of spans that are nested deeper would cost the square of them."""


@dataclass(slots=True, kw_only=True)
class View:
    """What one instrument saw of a call, and every model that its span states; `outermost` is the last span joined to it."""

    span: Span
    document: dict[str, Any] = field(repr=False)
    models: tuple[str, ...] = ()
    outermost: Span | None = None

    @property
    def has_place(self) -> bool:
        return bool(self.span.trace_id and self.span.span_id)

    @property
    def has_parent(self) -> bool:
        return bool(self.span.trace_id and self.span.parent_id)

    @property
    def places_around(self) -> list[tuple[str, str]]:
        """Spans that may come later and be around it: its parent, and the parent of what was joined to it."""
        spans = (self.span, self.outermost or self.span)
        return [(span.trace_id, span.parent_id) for span in spans if span.trace_id and span.parent_id]

    @property
    def call(self) -> Call:
        document = self.document
        return Call(generation_id=document["id"] or "", models=self.models, usage=document["usage"])

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
    """Name what is around a call that came before as that was named, and leave out what is around several calls.

    Also what tells a response's id, where the call within it told none: it completes that record. Whoever else reports
    that id to us, a gateway for one, leaves a second generation then; without it there would be two in any case. An id
    that a span of late told, or that the hook of an SDK says it has recorded, stays.
    """
    kept = []
    for view in views:
        document = view.document
        if document["id"] is not None:
            document["id"] = lately.name_of(workspace, document["id"]) or document["id"]
        within = _same_call(view, lately.within((workspace, *view.place)) if view.has_place else ())
        is_around_several = _is_named_by_span(document) and len(within) > 1
        _name_as(within, view, workspace=workspace, lately=lately)
        for place in view.places_around if document["id"] is not None else ():
            for call in within if is_around_several else (view.call,):
                lately.remember((workspace, *place), call)
        if not is_around_several:
            kept.append(view)
    return kept


def _same_call(view: View, within: Sequence[Call]) -> list[Call]:
    around = view.call
    return [call for call in within if not around.is_around_another(call)]


def _name_as(within: Sequence[Call], view: View, *, workspace: str, lately: Lately) -> None:
    own = view.document["id"]
    if _is_named_by_span(view.document):
        if within:
            view.document["id"] = within[0].generation_id
        return
    is_known = lately.name_of(workspace, own) is not None or naming.GENERATION_ID_OF_A_SPAN in view.span.attributes
    if len(within) == 1 and within[0].generation_id.startswith(_BY_SPAN) and not is_known:
        view.document["id"] = within[0].generation_id
    lately.name(workspace, own, view.document["id"])


def _is_named_by_span(document: dict[str, Any]) -> bool:
    return document["id"] is None or document["id"].startswith(_BY_SPAN)


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

    A span around several calls is an aggregate, whose usage and text are theirs already; one that is a call itself,
    around another model's, stays beside it.
    """
    at = {view.place: view for view in views if view.has_place}
    around = [_around(view, at.get(view.parent)) if view.has_parent else None for view in views]
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


def _around(view: View, outer: View | None) -> View | None:
    return None if outer is None or outer.call.is_around_another(view.call) else outer


def _take_in(view: View, *, outer_of: dict[int, View | None], calls_within: dict[int, int], covered: set[int]) -> None:
    alone = True
    climbed = {id(view)}
    outer = outer_of[id(view)]
    while outer is not None and id(outer) not in climbed and len(climbed) <= _INSTRUMENTS_AT_MOST:
        if outer.call.is_around_another(view.call):
            return
        alone = alone and calls_within[id(outer)] == 1
        _complete(view, outer, whole=alone)
        covered.add(id(outer))
        view.outermost = outer.span
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
    if whole and _is_named_by_span(document) and not _is_named_by_span(seen):
        document["id"] = seen["id"]
