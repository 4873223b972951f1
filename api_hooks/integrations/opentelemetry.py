"""OpenTelemetry: spans say whose they are, by `api_hooks.context`, and which call of an instrumented SDK they are around.

    provider.add_span_processor(api_hooks.integrations.opentelemetry.Attribution())

It writes attributes onto spans, and sends nothing: the application's own exporter does.
"""

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from opentelemetry.sdk.trace import SpanProcessor

from api_hooks import attribution, open_spans
from api_hooks.wire.naming import MODEL_OF_A_SPAN, MODELS_OF_A_SPAN, response_id, told_id

_ATTRIBUTES = {
    "user": "user.id",
    "session_id": "session.id",
    "app": "aftertag.app",
    "api_key_name": "aftertag.api_key_name",
}
METADATA = "aftertag.metadata."


class Attribution(SpanProcessor):  # type: ignore[misc] # the SDK is not installed where the types are checked
    """Puts what the contexts around a span's start say onto it; what the span says itself stays. Raises nothing.

    The workspace is that of the exporter's key: what a span says of one would not count.

    A span that is around a model call gets the call's id from the hook of its SDK, or from the span of an instrument
    that knows it: reported by both, the call is one generation.
    """

    def on_start(self, span: Any, parent_context: Any = None) -> None:
        with suppress(Exception):  # an odd span is no reason to fail the call that it watches
            said = span.attributes or {}
            for name, value in _wanted(attribution.current()):
                if name not in said:
                    span.set_attribute(name, value)
            open_spans.start(span)

    def on_end(self, span: Any) -> None:
        with suppress(Exception):  # see above
            said = span.attributes or {}
            own_id = response_id(said.get("gen_ai.response.id")) or told_id(said, map(said.get, MODELS_OF_A_SPAN))
            if own_id is not None:
                model = next(filter(None, map(said.get, (*MODELS_OF_A_SPAN, MODEL_OF_A_SPAN))), None)
                open_spans.end(span.context.span_id, own_id, model)


def _wanted(found: Mapping[str, Any]) -> list[tuple[str, str]]:
    named = [(_ATTRIBUTES[name], value) for name, value in found.items() if name in _ATTRIBUTES]
    more = [(f"{METADATA}{key}", value) for key, value in found.get("metadata", {}).items()]
    return [(name, value if isinstance(value, str) else str(value)) for name, value in (*named, *more)]
