"""Vercel's AI SDK before it took the GenAI conventions: `ai.prompt.messages`, `ai.response.text`, `ai.response.toolCalls`."""

from typing import Any

from api_hooks.wire.inside import opened
from console.server.otlp.reading import first
from console.server.otlp.said import Said
from console.server.otlp.spans import Attributes, Span

_TEXT = ("ai.response.text", "ai.response.object", "ai.result.text", "ai.result.object")
_CALLS = ("ai.response.toolCalls", "ai.result.toolCalls")


def said(span: Span) -> Said:
    """Read the inner spans, `….doGenerate` and `….doStream`; the outer ones are no generations."""
    attributes = span.attributes
    messages = opened(attributes.get("ai.prompt.messages"))
    tools = attributes.get("ai.prompt.tools")
    return Said(
        messages=[_message(one) for one in messages] if isinstance(messages, list) else messages,
        output=_output(attributes),
        tools=[opened(tool) for tool in tools] if isinstance(tools, list) else None,
    )


def _output(attributes: Attributes) -> Any:
    text, calls = first(attributes, _TEXT), opened(first(attributes, _CALLS))
    if text is None and calls is None:
        return None
    parts = [_call(call) for call in calls] if isinstance(calls, list) else []
    return {"role": "assistant", "content": [*([] if text is None else [text]), *parts]}


def _message(one: Any) -> Any:
    content = one.get("content") if isinstance(one, dict) else None
    return {**one, "content": [_part(part) for part in content]} if isinstance(content, list) else one


def _part(part: Any) -> Any:
    match part.get("type") if isinstance(part, dict) else None:
        case "tool-call":
            return _call(part)
        case "tool-result":
            output = part.get("output", part.get("result"))
            heard = output.get("value") if isinstance(output, dict) and "value" in output else output
            return {
                "type": "tool_call_response",
                "id": part.get("toolCallId"),
                "name": part.get("toolName"),
                "response": heard,
            }
    return part


def _call(call: Any) -> Any:
    if not isinstance(call, dict):
        return call
    return {
        "type": "tool_call",
        "id": call.get("toolCallId"),
        "name": call.get("toolName"),
        "arguments": call.get("input", call.get("args")),
    }
