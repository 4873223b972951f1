"""What one message's content consists of: lines of text, tool calls, tool results; media by their kind only."""

from collections.abc import Iterator
from dataclasses import dataclass
from dataclasses import field as kept
from typing import Any

from api_hooks.wire.contract import UNREADABLE
from api_hooks.wire.reading import elements, field, is_sequence, opened, word
from api_hooks.wire.text import as_json, plain

_DEEPEST = 4
_UNSPOKEN = {"reasoning", "thinking", "redacted_thinking", "compaction", "item_reference"}
_MEDIA = (
    ("image", "[image]"),
    ("audio", "[audio]"),
    ("file", "[file]"),
    ("document", "[file]"),
    ("video", "[file]"),
    ("media", "[file]"),
    ("blob", "[file]"),
)
_CALLED, _ANSWERED = ("function_call", "functionCall"), ("function_response", "functionResponse")
"""Of Gemini, as its SDK has them and as its REST API writes them."""
_CARRIERS = ("blob", "uri", "file")
"""Parts of OpenTelemetry's messages that say in `modality` what they carry."""


@dataclass(frozen=True, slots=True)
class Call:
    """A tool that the model asks for."""

    id: Any
    name: str | None
    arguments: Any = kept(repr=False)

    @classmethod
    def read(cls, call: Any) -> "Call":
        """From `{function: {name, arguments}}`, `{custom: {name, input}}`, or the fields side by side."""
        inner = field(call, "function", "custom")
        inner = call if inner is None or isinstance(inner, str) else inner
        return cls(field(call, "call_id", "id"), word(inner, "name"), field(inner, "arguments", "input", "args"))


@dataclass(frozen=True, slots=True)
class Result:
    """What a tool answered."""

    id: Any
    name: str | None
    content: Any = kept(repr=False)


def pieces(content: Any) -> Iterator[str | Call | Result]:
    """Yield what a content says, in order."""
    if content is None:
        return
    if isinstance(content, str | bytes | bytearray):
        yield text_of(content)
    elif is_sequence(content):
        for part in elements(content):
            yield from _piece(part)
    else:
        yield from _piece(content)


def text_of(content: Any, depth: int = 0) -> str:
    """All of a content as one text: a tool's result may be text, parts, or any document."""
    if content is None:
        return ""
    if isinstance(content, str):
        return plain(content)
    if isinstance(content, bytes | bytearray):
        return bytes(content).decode(errors="replace")
    if depth > _DEEPEST:
        return UNREADABLE
    if isinstance(content, list | tuple) and content and all(_is_part(part) for part in content):
        return "\n".join(_part_text(part, depth) for part in content)
    if _is_part(content):
        return _part_text(content, depth)
    return as_json(content)


def _piece(part: Any) -> Iterator[str | Call | Result]:
    if part is None:
        return
    if isinstance(part, str | bytes | bytearray):
        yield text_of(part)
        return
    part = opened(part)
    kind = word(part, "type") or ""
    if kind in _UNSPOKEN:
        return
    if kind.endswith(("tool_result", "_call_output", "tool_call_response")) or _gemini(part, _ANSWERED):
        yield _result(part)
    elif kind.endswith(("tool_use", "_call")) or _gemini(part, _CALLED):
        yield _call(part, kind)
    elif kind == "message":
        yield from pieces(field(part, "content"))
    else:
        yield _said(part, kind)


def _call(part: Any, kind: str) -> Call:
    part = _gemini(part, _CALLED) or part
    call = Call.read(part)
    name = call.name or kind.removesuffix("_call").removesuffix("_use") or None
    arguments = field(part, "action", "queries", "code") if call.arguments is None else call.arguments
    return Call(call.id, name, arguments)


def _result(part: Any) -> Result:
    part = _gemini(part, _ANSWERED) or part
    answer = field(part, "content", "output", "response", "result")
    return Result(field(part, "tool_use_id", "call_id", "tool_call_id", "id"), word(part, "name"), answer)


def _gemini(part: Any, names: tuple[str, str]) -> Any:
    return field(part, *names) if word(part, "type") is None else None


def _is_part(part: Any) -> bool:
    return isinstance(part, str) or (isinstance(word(part, "type"), str) and not isinstance(part, type))


def _part_text(part: Any, depth: int) -> str:
    if isinstance(part, str):
        return plain(part)
    kind = word(part, "type") or ""
    said = _said(part, kind)
    if said != UNREADABLE:
        return said
    content = field(part, "content")
    return as_json(part) if content is None else text_of(content, depth + 1)


def _said(part: Any, kind: str) -> str:
    """A part's text, or what stands in its place."""
    if kind in _CARRIERS and (modality := word(part, "modality")) is not None:
        return f"[{modality}]" if modality in ("image", "audio") else "[file]"
    for name, shown in _MEDIA:
        if name in kind:
            return word(part, "transcript") or shown
    text = word(part, "text", "refusal", "content")
    if text is not None:
        return text
    media = field(part, "inline_data", "file_data", "inlineData", "fileData")
    if media is not None:
        family = (word(media, "mime_type", "mimeType") or "").split("/")[0]
        return f"[{family}]" if family in ("image", "audio") else "[file]"
    return UNREADABLE
