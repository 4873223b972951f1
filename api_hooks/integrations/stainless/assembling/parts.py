"""Texts that come in pieces, and the numbered places that they belong to; both bounded, for streams without an end."""

import io
from collections.abc import Callable
from typing import Any, TypeVar

TEXT_CHARACTERS = 1_000_000
"""The most that is kept of one text: far more than a turn keeps, so that its full length is nearly always known."""

PLACES_AT_MOST = 1_000
"""Choices, items, blocks or tool calls of one response."""

Part = TypeVar("Part")


class Text:
    """A text that grows."""

    __slots__ = ("_said", "size")

    def __init__(self) -> None:
        self._said = io.StringIO()
        self.size = 0

    def add(self, piece: Any) -> None:
        """Append a piece; what is no text, or too much, is left out."""
        if isinstance(piece, str) and self.size < TEXT_CHARACTERS:
            self._said.write(piece[: TEXT_CHARACTERS - self.size])
            self.size = self._said.tell()

    def __str__(self) -> str:
        return self._said.getvalue()


class Places(dict[int, Part]):
    """Parts by the number that the stream gives them."""

    def __init__(self, make: Callable[[], Part]) -> None:
        super().__init__()
        self._make = make

    def at(self, number: Any) -> Part | None:
        """The part at this number, made where there is none yet; None where the number is none, or one too many."""
        if type(number) is not int:
            return None
        part = self.get(number)
        if part is None and len(self) < PLACES_AT_MOST:
            part = self[number] = self._make()
        return part

    def in_order(self) -> list[Part]:
        return [self[number] for number in sorted(self)]
