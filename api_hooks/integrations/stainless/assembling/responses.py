"""Events of the Responses API: the last one has the whole response; without it, what the events before it said."""

from typing import Any

from api_hooks.integrations.stainless.assembling.parts import TEXT_CHARACTERS, Places, Text

_LAST = ("response.completed", "response.incomplete", "response.failed")
_DELTA = ".delta"
_SPOKEN = ("response.output_text", "response.refusal")
_CALLED = ("response.function_call_arguments", "response.custom_tool_call_input", "response.mcp_call_arguments")


class ResponseParts:
    """What the events said so far."""

    def __init__(self) -> None:
        self._head: dict[str, Any] = {}
        self._items: Places[_Item] = Places(_Item)
        self._whole: dict[str, Any] | None = None

    @property
    def size(self) -> int:
        return sum(item.size for item in self._items.values())

    @property
    def is_whole(self) -> bool:
        return self._whole is not None

    def add(self, event: dict[str, Any]) -> None:
        kind = event.get("type")
        if not isinstance(kind, str):
            return
        response = event.get("response")
        if isinstance(response, dict):
            for name in ("id", "model"):
                self._head[name] = self._head.get(name) or response.get(name)
            if kind in _LAST:
                self._whole = response
            return
        item = self._items.at(event.get("output_index"))
        if item is None:
            return
        if kind == "response.output_item.added" and isinstance(event.get("item"), dict):
            item.begun = {name: event["item"].get(name) for name in ("type", "id", "call_id", "name", "role")}
        elif kind.removesuffix(_DELTA) in _SPOKEN and kind.endswith(_DELTA):
            item.said.add(event.get("delta"))
        elif kind.removesuffix(_DELTA) in _CALLED and kind.endswith(_DELTA):
            item.called.add(event.get("delta"))

    def document(self) -> dict[str, Any]:
        if self._whole is not None and (self._whole.get("output") or not self._items):
            return self._whole
        output = [item.document() for item in self._items.in_order()]
        return {"object": "response", **self._head, **(self._whole or {}), "output": output}


class _Item:
    def __init__(self) -> None:
        self.begun: dict[str, Any] = {}
        self.said = Text()
        self.called = Text()

    @property
    def size(self) -> int:
        return min(self.said.size + self.called.size, 2 * TEXT_CHARACTERS)

    def document(self) -> dict[str, Any]:
        item = {name: value for name, value in self.begun.items() if value is not None}
        if item.get("type") in (None, "message"):
            return {
                "id": item.get("id"),
                "type": "message",
                "role": "assistant",
                "content": [{"type": "output_text", "text": str(self.said)}],
            }
        return {**item, "arguments": str(self.called)}
