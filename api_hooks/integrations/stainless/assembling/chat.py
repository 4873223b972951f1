"""Chunks of chat completions, and of legacy completions, which differ by a choice's `text` only."""

from typing import Any

from api_hooks.integrations.stainless.assembling.parts import Places, Text


class ChatParts:
    """What the chunks said so far."""

    def __init__(self) -> None:
        self._head: dict[str, Any] = {}
        self._choices: Places[_Choice] = Places(_Choice)
        self._usage: dict[str, Any] | None = None

    @property
    def size(self) -> int:
        return sum(choice.size for choice in self._choices.values())

    @property
    def is_whole(self) -> bool:
        """Every choice says why it ended: only the usage may still be to come."""
        return bool(self._choices) and all(choice.finish_reason for choice in self._choices.values())

    def add(self, chunk: dict[str, Any]) -> None:
        for name in ("id", "model"):
            self._head[name] = self._head.get(name) or chunk.get(name)
        if isinstance(chunk.get("usage"), dict):
            self._usage = chunk["usage"]
        choices = chunk.get("choices")
        for said in choices if isinstance(choices, list) else ():
            choice = self._choices.at(said.get("index", 0)) if isinstance(said, dict) else None
            if choice is not None:
                choice.add(said)

    def document(self) -> dict[str, Any]:
        return {
            **self._head,
            "choices": [choice.document() for choice in self._choices.in_order()],
            "usage": self._usage,
        }


class _Choice:
    def __init__(self) -> None:
        self.finish_reason: str | None = None
        self._content = Text()
        self._refusal = Text()
        self._transcript = Text()
        self._calls: Places[_ToolCall] = Places(_ToolCall)

    @property
    def size(self) -> int:
        texts = (self._content, self._refusal, self._transcript)
        return sum(text.size for text in texts) + sum(call.arguments.size for call in self._calls.values())

    def add(self, said: dict[str, Any]) -> None:
        if isinstance(said.get("finish_reason"), str):
            self.finish_reason = said["finish_reason"]
        self._content.add(said.get("text"))
        delta = said.get("delta")
        if not isinstance(delta, dict):
            return
        self._content.add(delta.get("content"))
        self._refusal.add(delta.get("refusal"))
        if isinstance(delta.get("audio"), dict):
            self._transcript.add(delta["audio"].get("transcript"))
        calls = delta.get("tool_calls")
        for part in calls if isinstance(calls, list) else ():
            call = self._calls.at(part.get("index", 0)) if isinstance(part, dict) else None
            if call is not None:
                call.add(part, part.get("function") or part.get("custom"))
        if isinstance(delta.get("function_call"), dict):
            legacy = self._calls.at(0)
            if legacy is not None:
                legacy.add(delta, delta["function_call"])

    def document(self) -> dict[str, Any]:
        message: dict[str, Any] = {"role": "assistant", "content": str(self._content) if self._content.size else None}
        if self._refusal.size:
            message["refusal"] = str(self._refusal)
        if self._transcript.size:
            message["audio"] = {"transcript": str(self._transcript)}
        if self._calls:
            message["tool_calls"] = [call.document() for call in self._calls.in_order()]
        return {"message": message, "finish_reason": self.finish_reason}


class _ToolCall:
    def __init__(self) -> None:
        self._head: dict[str, Any] = {}
        self.arguments = Text()

    def add(self, part: dict[str, Any], called: Any) -> None:
        self._head["id"] = self._head.get("id") or part.get("id")
        if isinstance(called, dict):
            self._head["name"] = self._head.get("name") or called.get("name")
            self.arguments.add(called.get("arguments"))
            self.arguments.add(called.get("input"))

    def document(self) -> dict[str, Any]:
        return {**self._head, "arguments": str(self.arguments)}
