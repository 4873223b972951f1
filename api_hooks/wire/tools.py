"""The names of the tools that a call could use; never their schemas."""

from collections.abc import Iterator, Mapping
from typing import Any

from api_hooks.wire.contract import TOOLS_AT_MOST
from api_hooks.wire.reading import elements, field, is_sequence, word
from api_hooks.wire.text import short

_DECLARED = ("function_declarations", "functionDeclarations")

# Names of the longest kind would make a message that is too large for the worker.
CHARACTERS_AT_MOST = 100_000


def tool_names(tools: Any) -> list[str]:
    """Return each tool's name once, in order, at most 2,000 of 100,000 characters; what has no name is left out."""
    if tools is None:
        return []
    kept: dict[str, None] = {}
    left = CHARACTERS_AT_MOST
    for name in (name for tool in _listed(tools) for name in _names(tool)):
        if name and name not in kept and (left := left - len(name)) >= 0 and len(kept) < TOOLS_AT_MOST:
            kept[name] = None
    return list(kept)


def _listed(tools: Any) -> list[Any]:
    if isinstance(tools, str):
        return [tools]
    if isinstance(tools, Mapping):
        is_one = field(tools, "function", "name", "type", *_DECLARED) is not None
        return [tools] if is_one else list(tools)
    return elements(tools) if is_sequence(tools) else []


def _names(tool: Any) -> Iterator[str | None]:
    try:
        if isinstance(tool, str):
            yield short(tool)
            return
        declared = field(tool, *_DECLARED)
        if isinstance(declared, list):
            for one in declared:
                yield short(word(one, "name"))
            return
        inner = field(tool, "function", "custom")
        inner = tool if inner is None or isinstance(inner, str) else inner
        yield short(word(inner, "name") or word(tool, "name", "__name__", "type"))
    except BaseException:  # noqa: BLE001 - reading other people's objects may raise anything; this tool has no name
        return
