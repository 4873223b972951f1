"""One stream's assembly: fed with the texts of its events, by the pile, it gives a response such as `wire` reads."""

import json
from collections.abc import Iterable
from typing import Any

from api_hooks.integrations.stainless.assembling.chat import ChatParts
from api_hooks.integrations.stainless.assembling.messages import MessageParts
from api_hooks.integrations.stainless.assembling.responses import ResponseParts

DONE = "[DONE]"
"""What a stream of OpenAI's API ends with."""

_PARTS: dict[str, type[ChatParts | ResponseParts | MessageParts]] = {
    "chat": ChatParts,
    "completions": ChatParts,
    "responses": ResponseParts,
    "messages": MessageParts,
}
_OWN_CHARACTERS = 1_000
EVENTS_OF_A_BEGINNING = 5
"""Among the first events of a stream its id is looked for."""


class Assembly:
    """What came of a stream so far. `form` is what the SDK's address speaks: see `sdk.py`."""

    def __init__(self, form: str) -> None:
        self._parts = _PARTS[form]()
        self._form = form
        self._left: Iterable[str] = ()
        self._is_done = False

    @property
    def size(self) -> int:
        """About the characters that it keeps."""
        return _OWN_CHARACTERS + self._parts.size

    def add(self, texts: Iterable[str]) -> None:
        """Take in events; what cannot be read among them is skipped."""
        for text in texts:
            if text.startswith(DONE):
                self._is_done = True
                continue
            try:
                event = json.loads(text)
            except (ValueError, RecursionError):
                continue
            if isinstance(event, dict):
                self._parts.add(event)

    def leave(self, texts: Iterable[str]) -> None:
        """Keep the last events unread until `document` is asked for: on the sending thread."""
        self._left = texts

    def beginning(self) -> dict[str, Any]:
        """The response as its first events tell it: its id stands there, and the sending thread reads the rest."""
        if self._parts.size:
            return self._parts.document()
        self._left = left = list(self._left)
        first = Assembly(self._form)
        first.add(left[:EVENTS_OF_A_BEGINNING])
        return first._parts.document()

    def document(self) -> tuple[dict[str, Any], bool]:
        """Return the response as far as it came, and whether the model had said all of it."""
        left, self._left = self._left, ()
        self.add(left)
        return self._parts.document(), self._is_done or self._parts.is_whole
