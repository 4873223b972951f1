"""Logfire's own attributes: `request_data` and `response_data`; of the two spans of a streamed call the second counts."""

from console.server.otlp.reading import as_object
from console.server.otlp.said import Said
from console.server.otlp.spans import Span

_ANSWERED = ("gen_ai.output.messages", "gen_ai.response.id", "response_data", "gen_ai.usage.output_tokens")
_STREAM = "streaming response from "
_SECONDS_BELOW = 10**6


def said(span: Span) -> Said:
    """The request's body and the answer's message, as Logfire wrote them before the GenAI conventions."""
    if "request_data" not in span.attributes:
        return Said()
    request = as_object(span.attributes["request_data"])
    response = as_object(span.attributes.get("response_data"))
    answer = response.get("message")
    return Said(
        messages={**request} if "messages" in request or "input" in request else None,
        output=response.get("combined_chunk_content") if answer is None else answer,
        tools=request.get("tools"),
    )


def is_opening(span: Span) -> bool:
    """Whether this is the first span of a streamed call: it ends when the stream begins, and knows no answer."""
    return _is_of_logfire(span) and not span.failed and not any(name in span.attributes for name in _ANSWERED)


def streamed_seconds(span: Span) -> float | None:
    """How long the stream had gone on when the second span, which takes no time itself, was written; None for others."""
    seconds = span.attributes.get("duration")
    if not _is_of_logfire(span) or not span.name.startswith(_STREAM) or not isinstance(seconds, int | float):
        return None
    return float(seconds) if 0 <= seconds < _SECONDS_BELOW else None


def _is_of_logfire(span: Span) -> bool:
    return span.scope.startswith("logfire.")
