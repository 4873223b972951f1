"""What the test model server answers well: values out of the request's own schema, the same for the same request.

A schema is read once and remembered by the bytes before the messages; the values are drawn by a checksum of the body,
so that different transcripts get different tags and a mix-up shows.
"""

import json
import re
import zlib
from dataclasses import dataclass
from typing import Any

_ANSWER = re.compile(rb"play-answer: ([a-z0-9_]+)=([a-z0-9_+]*)")
_SCHEMA_IN_PROMPT = "The JSON schema of your answer:\n"

Properties = dict[str, dict[str, Any]]

_remembered: dict[bytes, tuple["Form", ...]] = {}


@dataclass(frozen=True, slots=True)
class Form:
    """One dimension as the schema has it."""

    name: str
    values: tuple[str, ...]
    several: bool


def good(path: bytes, body: bytes, reports_cost: bool) -> bytes:
    """Return the body of a good answer, in the dialect of the path."""
    if path.endswith(b"/systemone"):
        return _decisions(body)
    return completion(path, body, json.dumps(chosen(body)), reports_cost=reports_cost)


def chosen(body: bytes) -> dict[str, Any]:
    """Return the answer object of a request with a schema."""
    told = dict(_ANSWER.findall(body)) if b"play-answer" in body else {}
    draw = zlib.crc32(body)
    answer: dict[str, Any] = {}
    for form in _forms(body):
        given = told.get(form.name.encode())
        values = given.decode().split("+") if given is not None else [form.values[draw % len(form.values)]]
        answer[form.name] = [value for value in values if value] if form.several else values[0]
        draw //= 7
    return answer


def completion(
    path: bytes, body: bytes, text: str, *, reports_cost: bool, ending: str = "stop", refusal: str | None = None
) -> bytes:
    """Return a chat completion, or an Anthropic message where the path asks for one."""
    prompt, written = len(body) // 4, len(text) // 4
    if path.endswith(b"/messages"):
        stop_reason = {"stop": "end_turn", "length": "max_tokens", "content_filter": "refusal"}.get(ending, ending)
        message = {
            "type": "message",
            "model": "test-model",
            "content": [{"type": "text", "text": text}],
            "stop_reason": stop_reason if refusal is None else "refusal",
            "usage": {"input_tokens": prompt, "output_tokens": written, "cache_read_input_tokens": 7},
        }
        return json.dumps(message).encode()
    usage = {
        "prompt_tokens": prompt,
        "completion_tokens": written,
        "total_tokens": prompt + written,
        "prompt_tokens_details": {"cached_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": 0},
    }
    if reports_cost:
        usage["cost"] = 0.000125  # type: ignore[assignment]
    message = {"role": "assistant", "content": text if refusal is None else None, "refusal": refusal}
    document = {
        "id": "chatcmpl-test",
        "object": "chat.completion",
        "model": "test-model",
        "choices": [{"index": 0, "finish_reason": ending, "message": message}],
        "usage": usage,
    }
    return json.dumps(document).encode()


def _forms(body: bytes) -> tuple[Form, ...]:
    before_messages = body[: body.find(b'"messages"')]
    forms = _remembered.get(before_messages) if b'"schema"' in before_messages else None
    if forms is None:
        forms = tuple(_form(name, form) for name, form in _properties(json.loads(body)).items())
        if b'"schema"' in before_messages and len(_remembered) < 1000:
            _remembered[before_messages] = forms
    return forms


def _form(name: str, form: dict[str, Any]) -> Form:
    several = form.get("type") == "array"
    return Form(name, tuple((form["items"] if several else form)["enum"]), several)


def _properties(request: dict[str, Any]) -> Properties:
    response_format = request.get("response_format", {})
    if response_format.get("type") == "json_schema":
        return dict(response_format["json_schema"]["schema"]["properties"])
    if "output_config" in request:
        return dict(request["output_config"]["format"]["schema"]["properties"])
    system = request["system"][0]["text"] if "system" in request else request["messages"][0]["content"]
    _, found, schema = system.partition(_SCHEMA_IN_PROMPT)
    return dict(json.loads(schema)["properties"]) if found else {}


def _decisions(body: bytes) -> bytes:
    request = json.loads(body)
    told = dict(_ANSWER.findall(body))
    draw = zlib.crc32(body)
    decided: dict[str, Any] = {}
    for name, question in request["questions"].items():
        dimension, _, value = name.partition(".")
        given = told.get(dimension.encode(), b"").decode().split("+")
        if question["type"] == "noul":
            yes = value in given if given != [""] else draw % 2 == 0
            decided[name] = {"type": "noul", "noul": 0.9 if yes else 0.2}
        else:
            values = list(question["criteria"])
            choice = given[0] or values[draw % len(values)]
            decided[name] = {"type": "choice", "choice": choice, "probabilities": {choice: 0.8}, "confidence": 0.7}
        draw //= 7
    usage = {"prompt_tokens": len(body) // 4, "completion_tokens": 0}
    return json.dumps({"model": "test-decider", "answers": decided, "usage": usage}).encode()
