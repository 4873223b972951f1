"""OpenTelemetry's spans that are open around a call: the nearest is told by which id the call is known, for its own report.

Some instruments never tell the provider's response id (Langfuse's wrapper, LangChain's streams). Where the processor in
`api_hooks.integrations.opentelemetry` tells us of spans as they start and end, their reports name the call as others do:
the hook of an SDK tells the span around its call, and a span that knows the id tells the one around itself.
"""

import weakref
from contextlib import suppress
from contextvars import ContextVar
from typing import Any

from api_hooks.wire.naming import GENERATION_ID_OF_A_SPAN, MODEL_OF_A_SPAN

_AT_MOST = 8


class Around:
    """A span that has started in a context. The first call that begins right inside it takes it, and no later one.

    So a stream that is read while other calls are made keeps its own span.
    """

    __slots__ = ("_span", "is_taken", "outer")

    def __init__(self, span: Any, outer: "Around | None") -> None:
        self._span = weakref.ref(span)
        self.outer = outer
        self.is_taken = False

    @property
    def span(self) -> Any | None:
        """The span while it is open, else None: one that has ended takes no attributes."""
        span = self._span()
        return None if span is None or span.end_time is not None else span

    def is_around(self, span_id: int) -> bool:
        span = self._span()
        return span is not None and span.context.span_id == span_id

    def tell(self, generation_id: str, model: Any) -> None:
        """Write onto the span, if it is still open, by which id the call is known, and what model it asked. Raises nothing."""
        with suppress(Exception):  # an odd span is no reason to fail the call that it watches
            span = self.span
            if span is not None:
                span.set_attribute(GENERATION_ID_OF_A_SPAN, generation_id)
                if isinstance(model, str):
                    span.set_attribute(MODEL_OF_A_SPAN, model)


_started: ContextVar[tuple[Around, ...]] = ContextVar("aftertag_started_spans", default=())


def start(span: Any) -> None:
    """Remember a span that starts in this context, and forget those that have ended."""
    still = [around for around in _started.get() if around.span is not None]
    _started.set((*still[1 - _AT_MOST :], Around(span, still[-1] if still else None)))


started = _started.get
"""The spans that have started in this context, and may have ended: nothing, for whoever has no such processor."""


def take() -> Around | None:
    """Return the span that a call begins right inside of, unless an earlier call has it."""
    return _taken(next((around for around in reversed(_started.get()) if around.span is not None), None))


def end(span_id: int, generation_id: str, model: Any) -> None:
    """Have a span that ends here tell the one that was open around it when it started, unless a call has told that."""
    ended = next((around for around in reversed(_started.get()) if around.is_around(span_id)), None)
    outer = _taken(ended.outer) if ended is not None else None
    if outer is not None:
        outer.tell(generation_id, model)


def _taken(around: Around | None) -> Around | None:
    if around is None or around.is_taken:
        return None
    around.is_taken = True
    return around
