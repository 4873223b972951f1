"""Events of Anthropic's messages: a message's head, its blocks with their pieces, and how it stopped."""

import json
from typing import Any

from api_hooks.integrations.stainless.assembling.parts import Places, Text


class MessageParts:
    """What the events said so far."""

    def __init__(self) -> None:
        self._head: dict[str, Any] = {}
        self._blocks: Places[_Block] = Places(_Block)
        self._usage: dict[str, Any] = {}
        self._stop_reason: str | None = None

    @property
    def size(self) -> int:
        return sum(block.text.size + block.input.size for block in self._blocks.values())

    @property
    def is_whole(self) -> bool:
        return self._stop_reason is not None

    def add(self, event: dict[str, Any]) -> None:
        message, delta = event.get("message"), event.get("delta")
        if event.get("type") == "message_start" and isinstance(message, dict):
            self._head = {name: message.get(name) for name in ("id", "type", "role", "model")}
            self._count(message.get("usage"))
        elif event.get("type") == "message_delta" and isinstance(delta, dict):
            self._stop_reason = delta.get("stop_reason") or self._stop_reason
            self._count(event.get("usage"))
        elif event.get("type") in ("content_block_start", "content_block_delta"):
            block = self._blocks.at(event.get("index"))
            if block is not None:
                block.add(event.get("content_block"), delta)

    def document(self) -> dict[str, Any]:
        content = [block.document() for block in self._blocks.in_order()]
        return {**self._head, "content": content, "stop_reason": self._stop_reason, "usage": self._usage}

    def _count(self, usage: Any) -> None:
        """The counts at the end replace those at the beginning, as far as they are given."""
        if isinstance(usage, dict):
            self._usage |= {name: count for name, count in usage.items() if type(count) is int}


class _Block:
    def __init__(self) -> None:
        self._begun: dict[str, Any] = {}
        self.text = Text()
        self.input = Text()

    def add(self, begun: Any, delta: Any) -> None:
        if isinstance(begun, dict):
            self._begun = begun
            self.text.add(begun.get("text"))
        if isinstance(delta, dict):
            self.text.add(delta.get("text"))
            self.input.add(delta.get("partial_json"))

    def document(self) -> dict[str, Any]:
        if self.text.size:
            return {**self._begun, "text": str(self.text)}
        if self.input.size:
            return {**self._begun, "input": _document(str(self.input))}
        return self._begun


def _document(text: str) -> Any:
    """A tool's input; as text where the stream broke off in it."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text
