"""OpenTelemetry: spans that begin inside `api_hooks.context` say whose they are, whichever instrumentation makes them.

    provider.add_span_processor(api_hooks.integrations.opentelemetry.Attribution())

It writes attributes onto spans as they start, and sends nothing: the application's own exporter does.
"""

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from opentelemetry.sdk.trace import SpanProcessor

from api_hooks import attribution

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
    """

    def on_start(self, span: Any, parent_context: Any = None) -> None:
        with suppress(Exception):  # an odd span is no reason to fail the call that it watches
            said = span.attributes or {}
            for name, value in _wanted(attribution.current()):
                if name not in said:
                    span.set_attribute(name, value)


def _wanted(found: Mapping[str, Any]) -> list[tuple[str, str]]:
    named = [(_ATTRIBUTES[name], value) for name, value in found.items() if name in _ATTRIBUTES]
    more = [(f"{METADATA}{key}", value) for key, value in found.get("metadata", {}).items()]
    return [(name, value if isinstance(value, str) else str(value)) for name, value in (*named, *more)]
