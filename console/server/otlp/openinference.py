"""OpenInference: messages flattened into `llm.input_messages.N.message.…`, and the raw call in `input.value`."""

from collections.abc import Mapping
from typing import Any

from api_hooks.wire.inside import opened
from console.server.otlp.reading import as_object, listed
from console.server.otlp.said import Said, spoken_by_assistant
from console.server.otlp.spans import Attributes, Span

_HIDDEN = "__REDACTED__"


def said(span: Span) -> Said:
    """The flattened messages, of chat or of completions; without them what went in and came out, as it is."""
    attributes = span.attributes
    if "openinference.span.kind" not in attributes:
        return Said()
    messages = [_message(one) for one in listed(attributes, "llm.input_messages.")]
    output = [_message(one) for one in listed(attributes, "llm.output_messages.")]
    return Said(
        messages=messages or _texts(attributes, "llm.prompts.", "prompt.text") or _raw(attributes, "input"),
        output=spoken_by_assistant(output)
        or _texts(attributes, "llm.choices.", "completion.text")
        or _raw(attributes, "output"),
        tools=[opened(_inner(one, "tool", "json_schema")) for one in listed(attributes, "llm.tools.")] or None,
    )


def parameters(span: Span) -> Mapping[str, Any]:
    """What the call was made with beside its messages: `model`, which a failed span names nowhere else, `user`, `stream`."""
    return as_object(span.attributes.get("llm.invocation_parameters"))


def response_id(span: Span) -> Any:
    """The id in the whole response, which stands in `output.value`: the provider's own, or within what LangChain keeps."""
    whole = opened(span.attributes.get("output.value"))
    if not isinstance(whole, dict):
        return None
    return whole.get("id") or _inner(whole, "llm_output", "id")


def _message(one: Any) -> Any:
    fields = one.get("message") if isinstance(one, dict) else None
    if not isinstance(fields, dict):
        return {"role": None, "content": ""}
    contents = fields.get("contents")
    message: dict[str, Any] = {
        "role": fields.get("role"),
        "content": [_part(part) for part in contents] if isinstance(contents, list) else fields.get("content"),
        "name": fields.get("name"),
        "tool_call_id": fields.get("tool_call_id"),
    }
    calls = fields.get("tool_calls")
    if isinstance(calls, list):
        message["tool_calls"] = [_inner(call, "tool_call") for call in calls]
    elif (name := fields.get("function_call_name")) is not None:
        message["function_call"] = {"name": name, "arguments": fields.get("function_call_arguments_json")}
    return message


def _part(part: Any) -> Any:
    return _inner(part, "message_content")


def _texts(attributes: Attributes, prefix: str, name: str) -> list[Any]:
    return [_inner(one, *name.split(".")) for one in listed(attributes, prefix)]


def _raw(attributes: Attributes, side: str) -> Any:
    value = attributes.get(f"{side}.value")
    return None if value == _HIDDEN else opened(value)


def _inner(source: Any, *steps: str) -> Any:
    for step in steps:
        source = source.get(step) if isinstance(source, dict) else None
    return source
