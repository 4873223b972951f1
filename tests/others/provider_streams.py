"""The same answers as streams of server-sent events, each in the form of its API."""

import json
from collections.abc import Iterator
from typing import Any

from tests.others import provider_answers as answers
from tests.others.provider_answers import Asked

DONE = b"data: [DONE]\n\n"
_PROMPT_PIECE_CHARACTERS = 8


def events(asked: Asked) -> Iterator[bytes]:
    """Every event of the stream as it goes over the network, one at a time."""
    made = {
        "/chat/completions": _chat,
        "/completions": _completions,
        "/responses": _responses,
        "/messages": _messages,
    }[asked.form](asked)
    produced = list(made)
    if "error" in asked.plays:
        produced = [*produced[: len(produced) // 2], _error(asked)]
    elif "undone" in asked.plays:
        produced = produced[:-1]
    yield from produced


def _chat(asked: Asked) -> Iterator[bytes]:
    head = {"id": f"chatcmpl-{asked.id}", "object": "chat.completion.chunk", "created": answers.CREATED}
    head["model"] = asked.model
    wants_usage = bool((asked.request.get("stream_options") or {}).get("include_usage"))

    def chunk(delta: dict[str, Any], finish: str | None = None) -> bytes:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
        return _event(head | {"choices": [choice]} | ({"usage": None} if wants_usage else {}))

    yield chunk({"role": "assistant", "content": "", "refusal": None})
    if "thinking" in asked.plays:
        yield chunk({"reasoning_content": answers.THOUGHT})
    if asked.tool:
        call = {"index": 0, "id": asked.tool["id"], "type": "function"}
        yield chunk({"tool_calls": [call | {"function": {"name": asked.tool["name"], "arguments": ""}}]})
        for piece in _cut(asked.tool["arguments"]):
            yield chunk({"tool_calls": [{"index": 0, "function": {"arguments": piece}}]})
    else:
        name = "refusal" if "refusal" in asked.plays else "content"
        for piece in asked.pieces:
            yield chunk({name: piece})
    yield chunk({}, answers.finish(asked))
    if wants_usage:
        yield _event(head | {"choices": [], "usage": answers.usage(asked)})
    yield DONE


def _completions(asked: Asked) -> Iterator[bytes]:
    head = {"id": f"cmpl-{asked.id}", "object": "text_completion", "created": answers.CREATED, "model": asked.model}
    for piece in asked.pieces:
        yield _event(head | {"choices": [{"index": 0, "text": piece, "logprobs": None, "finish_reason": None}]})
    yield _event(
        head | {"choices": [{"index": 0, "text": "", "logprobs": None, "finish_reason": answers.finish(asked)}]}
    )
    yield DONE


def _responses(asked: Asked) -> Iterator[bytes]:
    numbers = iter(range(1_000_000))

    def event(kind: str, **fields: Any) -> bytes:
        return _event({"type": kind, "sequence_number": next(numbers), **fields}, kind)

    yield event("response.created", response=answers.response(asked, status="in_progress"))
    yield event("response.in_progress", response=answers.response(asked, status="in_progress"))
    for index, item in enumerate(answers.output(asked)):
        begun = item | ({"content": []} if "content" in item else {}) | ({"arguments": ""} if asked.tool else {})
        yield event("response.output_item.added", output_index=index, item=begun)
        yield from _item(asked, index, item, event)
        yield event("response.output_item.done", output_index=index, item=item)
    kind = "response.incomplete" if "length" in asked.plays else "response.completed"
    yield event(kind, response=answers.response(asked))


def _item(asked: Asked, index: int, item: dict[str, Any], event: Any) -> Iterator[bytes]:
    at = {"item_id": item["id"], "output_index": index}
    if item["type"] == "function_call":
        for piece in _cut(item["arguments"]):
            yield event("response.function_call_arguments.delta", **at, delta=piece)
        yield event("response.function_call_arguments.done", **at, arguments=item["arguments"], name=item["name"])
    if item["type"] != "message":
        return
    part = item["content"][0]
    at |= {"content_index": 0}
    is_refusal = part["type"] == "refusal"
    begun = part | ({"refusal": ""} if is_refusal else {"text": ""})
    yield event("response.content_part.added", **at, part=begun)
    kind = "response.refusal" if is_refusal else "response.output_text"
    more: dict[str, Any] = {} if is_refusal else {"logprobs": []}
    for piece in asked.pieces:
        yield event(f"{kind}.delta", **at, delta=piece, **more)
    yield event(f"{kind}.done", **at, **{"refusal" if is_refusal else "text": asked.said}, **more)
    yield event("response.content_part.done", **at, part=part)


def _messages(asked: Asked) -> Iterator[bytes]:
    usage = answers.anthropic_usage(asked)
    begun = answers.anthropic(asked) | {"content": [], "stop_reason": None, "usage": usage | {"output_tokens": 1}}
    yield _named("message_start", message=begun)
    yield _named("ping")
    for index, block in enumerate(answers.anthropic_content(asked)):
        empty = {"text": {"text": ""}, "thinking": {"thinking": "", "signature": ""}, "tool_use": {"input": {}}}
        yield _named("content_block_start", index=index, content_block=block | empty[block["type"]])
        for delta in _deltas(asked, block):
            yield _named("content_block_delta", index=index, delta=delta)
        yield _named("content_block_stop", index=index)
    stop = {"stop_reason": answers.anthropic_stop(asked), "stop_sequence": None}
    yield _named("message_delta", delta=stop, usage={"output_tokens": usage["output_tokens"]})
    yield _named("message_stop")


def _deltas(asked: Asked, block: dict[str, Any]) -> Iterator[dict[str, Any]]:
    if block["type"] == "text":
        for piece in asked.pieces:
            yield {"type": "text_delta", "text": piece}
    elif block["type"] == "thinking":
        yield {"type": "thinking_delta", "thinking": block["thinking"]}
        yield {"type": "signature_delta", "signature": block["signature"]}
    else:
        for piece in _cut(json.dumps(block["input"])):
            yield {"type": "input_json_delta", "partial_json": piece}


def _error(asked: Asked) -> bytes:
    if asked.form == "/messages":
        return _named("error", error={"type": "overloaded_error", "message": "Overloaded"})
    problem = {"message": "The server had an error.", "type": "server_error", "param": None, "code": None}
    if asked.form == "/responses":
        return _event({"type": "error", "sequence_number": 99, "error": problem, **problem}, "error")
    return _event({"error": problem})


def _named(kind: str, **fields: Any) -> bytes:
    return _event({"type": kind, **fields}, kind)


def _event(said: dict[str, Any], name: str | None = None) -> bytes:
    head = f"event: {name}\n" if name else ""
    return f"{head}data: {json.dumps(said)}\n\n".encode()


def _cut(text: str) -> list[str]:
    return [text[start : start + _PROMPT_PIECE_CHARACTERS] for start in range(0, len(text), _PROMPT_PIECE_CHARACTERS)]
