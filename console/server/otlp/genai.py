"""The GenAI semantic conventions of today: `gen_ai.input.messages` and its kin, as JSON texts or as structured values."""

from typing import Any

from api_hooks.wire.inside import opened
from console.server.otlp.said import Said, spoken_by_assistant
from console.server.otlp.spans import Attributes, Span

_ROLES = ("system", "user", "assistant")
DETAILS = "gen_ai.client.inference.operation.details"


def said(span: Span) -> Said:
    """Read a span's attributes; where those have no messages, those of its event with the details."""
    found = said_by(span.attributes)
    if not found.is_whole:
        for event in span.events:
            if event.name == DETAILS:
                found.complete(said_by(event.attributes))
    return found


def said_by(attributes: Attributes) -> Said:
    """The messages, with the system's instructions before them; instructions alone are no messages."""
    messages = _plain(opened(attributes.get("gen_ai.input.messages")))
    instructions = opened(attributes.get("gen_ai.system_instructions"))
    if instructions and messages is not None:
        messages = [_system(instructions), *(messages if isinstance(messages, list) else [messages])]
    elif instructions and "gen_ai.output.messages" in attributes:
        messages = [_system(instructions)]
    return Said(
        messages=messages,
        output=_plain(spoken_by_assistant(opened(attributes.get("gen_ai.output.messages")))),
        tools=opened(attributes.get("gen_ai.tool.definitions")),
    )


def _system(instructions: Any) -> dict[str, Any]:
    return {"role": "system", "content": instructions}


def _plain(messages: Any) -> Any:
    """Messages of one text each, which most are, as pairs of role and text: reading those costs a third."""
    return [_pair(one) for one in messages] if isinstance(messages, list) else messages


def _pair(message: Any) -> Any:
    if not isinstance(message, dict) or (role := message.get("role")) not in _ROLES:
        return message
    parts = message.get("parts")
    part = parts[0] if isinstance(parts, list) and len(parts) == 1 else None
    if not isinstance(part, dict) or part.get("type") != "text":
        return message
    text = part.get("content")
    return (role, text) if isinstance(text, str) else message
