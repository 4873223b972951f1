"""Langfuse's SDKs: `langfuse.observation.input` and `.output`, whatever the application put there, as JSON."""

from typing import Any

from api_hooks.wire.inside import opened
from api_hooks.wire.text import as_json
from console.server.otlp.said import Said
from console.server.otlp.spans import Span

_READ_AS_MESSAGES = {
    "messages",
    "input",
    "contents",
    "role",
    "content",
    "parts",
    "text",
    "choices",
    "output",
    "candidates",
}


def said(span: Span) -> Said:
    """Messages in any API's shape; an object of the application's own is kept as its JSON."""
    given = opened(span.attributes.get("langfuse.observation.input"))
    tools = given.get("tools") if isinstance(given, dict) else None
    return Said(
        messages=_readable(given),
        output=_readable(opened(span.attributes.get("langfuse.observation.output"))),
        tools=tools if isinstance(tools, list) else None,
    )


def _readable(given: Any) -> Any:
    if isinstance(given, dict) and not _READ_AS_MESSAGES & given.keys() and "tool_calls" not in given:
        return as_json(given)
    return given
