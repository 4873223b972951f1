"""Objects of the worst kind that an application can hand over."""

from collections.abc import Iterator
from typing import Any


class RaisesOnEverything:
    """Every way to look at it raises, and not even an Exception."""

    def __getattribute__(self, name: str) -> Any:
        raise SystemExit(f"reading {name}")

    def __str__(self) -> str:
        raise KeyboardInterrupt

    def __repr__(self) -> str:
        return "hostile"

    def __len__(self) -> int:
        raise RuntimeError

    def __iter__(self) -> Iterator[Any]:
        raise RuntimeError

    def __bool__(self) -> bool:
        raise RuntimeError

    def __eq__(self, other: object) -> bool:
        raise RuntimeError

    __hash__ = object.__hash__


class HostileStr(str):
    """Text whose own methods raise."""

    __slots__ = ()

    def __len__(self) -> int:
        raise RuntimeError

    def __str__(self) -> str:
        raise RuntimeError

    def __getitem__(self, key: Any) -> str:
        raise RuntimeError

    def isascii(self) -> bool:
        raise RuntimeError


class HostileList(list[Any]):
    """A list whose own methods raise."""

    def __len__(self) -> int:
        raise RuntimeError

    def __iter__(self) -> Iterator[Any]:
        raise RuntimeError

    def __getitem__(self, key: Any) -> Any:
        raise RuntimeError

    def copy(self) -> list[Any]:
        raise RuntimeError


class HostileDict(dict[str, Any]):
    """A dict whose own methods raise."""

    def __iter__(self) -> Iterator[str]:
        raise RuntimeError

    def get(self, key: Any, default: Any = None) -> Any:
        raise RuntimeError

    def keys(self) -> Any:
        raise RuntimeError

    def copy(self) -> dict[str, Any]:
        raise RuntimeError


def recursive_list() -> list[Any]:
    itself: list[Any] = []
    itself.append(itself)
    return itself


def recursive_message() -> dict[str, Any]:
    message: dict[str, Any] = {"role": "user"}
    message["content"] = [message]
    return message


def nested(depth: int) -> Any:
    value: Any = "deep"
    for _ in range(depth):
        value = [{"type": "text", "content": value}]
    return value
