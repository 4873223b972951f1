"""Messages as a span's events, an earlier convention: `gen_ai.user.message`, `gen_ai.choice`; also as one attribute."""

from collections.abc import Iterator
from typing import Any

from api_hooks.wire.inside import opened
from console.server.otlp.reading import as_object
from console.server.otlp.said import Said, spoken_by_assistant
from console.server.otlp.spans import Span

_ROLES = {
    "gen_ai.system.message": "system",
    "gen_ai.user.message": "user",
    "gen_ai.assistant.message": "assistant",
    "gen_ai.tool.message": "tool",
}
_CHOICE = "gen_ai.choice"


def said(span: Span) -> Said:
    """The messages in the order of their events; a choice is an answer."""
    messages: list[Any] = []
    output: list[Any] = []
    for name, fields in _events(span):
        if name in _ROLES:
            messages.append(_message(fields, _ROLES[name]))
        elif name == _CHOICE:
            output.append(_answer(fields))
    return Said(messages=messages or None, output=spoken_by_assistant(output) or None)


def _events(span: Span) -> Iterator[tuple[str, dict[str, Any]]]:
    """Name and fields of each event; some put all fields into one, as JSON."""
    for event in span.events:
        if event.name.startswith("gen_ai."):
            yield event.name, {**event.attributes, **as_object(event.attributes.get("gen_ai.event.content"))}
    written = opened(span.attributes.get("events"))
    for one in written if isinstance(written, list) else ():
        if isinstance(one, dict) and isinstance(one.get("event.name"), str):
            yield one["event.name"], one


def _message(fields: dict[str, Any], role: str) -> dict[str, Any]:
    return {
        "role": fields.get("role") or role,
        "content": opened(fields.get("content")),
        "tool_calls": opened(fields.get("tool_calls")),
        "tool_call_id": fields.get("id"),
        "name": fields.get("name"),
    }


def _answer(fields: dict[str, Any]) -> dict[str, Any]:
    message = opened(fields.get("message"))
    return _message({**fields, **message} if isinstance(message, dict) else {"content": message, **fields}, "assistant")
