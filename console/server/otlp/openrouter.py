"""OpenRouter's Broadcast, and whoever else writes `gen_ai.prompt` and `gen_ai.completion` as one text each."""

from typing import Any

from api_hooks.wire.inside import opened
from console.server.otlp.reading import as_object
from console.server.otlp.said import Said
from console.server.otlp.spans import Attributes, Span

_PROMPT = ("gen_ai.prompt", "span.input", "trace.input")
_COMPLETION = ("gen_ai.completion", "span.output", "trace.output")
_EVENTS = ("gen_ai.content.prompt", "gen_ai.content.completion")


def said(span: Span) -> Said:
    """Read the span's attributes; where they are not there, those of the events that once carried them."""
    found = _said_by(span.attributes)
    if not found.is_whole:
        for event in span.events:
            if event.name in _EVENTS:
                found.complete(_said_by(event.attributes))
    return found


def _said_by(attributes: Attributes) -> Said:
    prompt = next((opened(attributes[name]) for name in _PROMPT if attributes.get(name)), None)
    completion = next((opened(attributes[name]) for name in _COMPLETION if attributes.get(name)), None)
    return Said(messages=prompt, output=_output(completion), tools=_tools(prompt, completion))


def _output(completion: Any) -> Any:
    """`{"completion": …, "toolCalls": […]}` as an assistant's message; reasoning is not what was said."""
    if not isinstance(completion, dict) or not {"completion", "toolCalls"} & completion.keys():
        return completion
    return {"role": "assistant", "content": completion.get("completion"), "tool_calls": completion.get("toolCalls")}


def _tools(*sources: Any) -> Any:
    for source in sources:
        if isinstance(source, dict):
            tools = source.get("tools") or as_object(source.get("rawRequest")).get("tools")
            if isinstance(tools, list):
                return tools
    return None
