"""Plain exports: documents with `enqueue`'s arguments as keys, lists of messages, whole responses, ShareGPT's turns."""

from collections.abc import Iterator, Mapping
from typing import Any

from api_hooks.wire.inside import opened
from worker.importing.beside import Beside
from worker.importing.formats.format import Document, Format, LeftOut, Unusable

_WHOLE_RESPONSES = ("chat.completion", "text_completion", "response")
_ROLES = {
    "human": "user",
    "user": "user",
    "gpt": "assistant",
    "chatgpt": "assistant",
    "bing": "assistant",
    "bard": "assistant",
    "model": "assistant",
    "assistant": "assistant",
    "system": "system",
    "function_call": "function_call",
    "observation": "tool",
    "tool": "tool",
}


def _recognises(document: Mapping[str, Any]) -> bool:
    return _is_whole_response(document) or any(
        document.get(name) for name in ("messages", "turns", "output", "conversations")
    )


def _read(document: Any, beside: Beside) -> Iterator[Document | LeftOut | Unusable]:
    if not isinstance(document, dict):
        yield Unusable('is JSON but no object; write {"messages": […]}')
    elif not _recognises(document):
        yield Unusable('has neither "messages" nor "turns" nor "output"')
    elif isinstance(document.get("conversations"), list):
        yield _conversation(document)
    elif _is_whole_response(document):
        yield _response(document)
    else:
        yield document


def _conversation(document: Document) -> Document:
    """ShareGPT's `{"conversations": [{"from": "human", "value": …}]}`; Hugging Face's sets name the keys role, content."""
    system = document.get("system")
    messages = [] if not isinstance(system, str) or not system else [{"role": "system", "content": system}]
    messages += [_turn(each) for each in document["conversations"]]
    kept = {name: value for name, value in document.items() if name not in ("conversations", "system")}
    return {**kept, "messages": messages, "tools": opened(document.get("tools"))}


def _turn(turn: Any) -> Any:
    if not isinstance(turn, dict) or "from" not in turn:
        return turn
    role = _ROLES.get(str(turn["from"]).lower(), "user")
    said = turn.get("value")
    if role != "function_call":
        return {"role": role, "content": said}
    call = opened(said)
    calls = call if isinstance(call, list) else [call if isinstance(call, dict) else {"arguments": said}]
    return {"role": "assistant", "content": None, "tool_calls": calls}


def _is_whole_response(document: Mapping[str, Any]) -> bool:
    return document.get("object") in _WHOLE_RESPONSES and any(
        isinstance(document.get(name), list) for name in ("choices", "output")
    )


def _response(document: Document) -> Document:
    """A stored completion: a whole response, and beside it what was asked where the export has it."""
    asked = document.get("messages") or document.get("input")
    return {
        "messages": asked,
        "output": document,
        "tools": document.get("tools"),
        "created_at": document.get("created") or document.get("created_at"),
        "user": document.get("user"),
        "metadata": document.get("metadata"),
        "workspace": document.get("workspace"),
    }


FORMAT = Format(
    name="plain",
    title="plain conversations or generations",
    recognises=_recognises,
    read=_read,
)
