"""OpenLLMetry's older names: `gen_ai.prompt.N.role`, `gen_ai.completion.N.content`, `llm.request.functions.N.name`."""

from typing import Any

from api_hooks.wire.inside import opened
from console.server.otlp.reading import listed
from console.server.otlp.said import Said, spoken_by_assistant
from console.server.otlp.spans import Span

_PROMPTS = ("gen_ai.prompt.", "llm.prompts.")
_COMPLETIONS = ("gen_ai.completion.", "llm.completions.")


def said(span: Span) -> Said:
    """The first of the two spellings that is there."""
    if not any(name.startswith(_PROMPTS) or name.startswith(_COMPLETIONS) for name in span.attributes):
        return Said()
    return Said(
        messages=_messages(span, _PROMPTS),
        output=spoken_by_assistant(_messages(span, _COMPLETIONS)),
        tools=listed(span.attributes, "llm.request.functions.") or None,
    )


def _messages(span: Span, prefixes: tuple[str, ...]) -> list[Any] | None:
    for prefix in prefixes:
        if found := [_message(one) for one in listed(span.attributes, prefix) if isinstance(one, dict)]:
            return found
    return None


def _message(one: dict[str, Any]) -> dict[str, Any]:
    return {**one, "content": _content(one.get("content"))}


def _content(content: Any) -> Any:
    """A list of parts was written as JSON; a user's text that is a list of something else stays as it is."""
    parts = opened(content) if isinstance(content, str) and content.startswith("[{") else None
    if isinstance(parts, list) and all(isinstance(part, dict) and isinstance(part.get("type"), str) for part in parts):
        return parts
    return content
