"""Read what other people's objects hold: mappings by key, the rest by attribute. May raise whatever they raise."""

from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from types import MappingProxyType
from typing import Any

from api_hooks.wire.contract import TURNS_AT_MOST
from api_hooks.wire.text import plain

NOTHING: Mapping[str, Any] = MappingProxyType({})


def field(source: Any, *names: str) -> Any:
    """The first of these fields that is there and not None."""
    if type(source) is dict or isinstance(source, Mapping):
        for name in names:
            value = source.get(name)
            if value is not None:
                return value
        return None
    for name in names:
        value = getattr(source, name, None)
        if value is not None:
            return value
    return None


def word(source: Any, *names: str) -> str | None:
    """The first of these fields that is text."""
    for name in names:
        value = field(source, name)
        if isinstance(value, str):
            return plain(value)
    return None


def mapping(given: Any) -> Mapping[str, Any]:
    """Itself where it is a mapping, else an empty one."""
    return given if isinstance(given, Mapping) else NOTHING


def is_sequence(given: object) -> bool:
    """Whether reading it from its beginning takes nothing away from the caller."""
    return isinstance(given, list | tuple) or (
        isinstance(given, Iterable) and not isinstance(given, str | bytes | bytearray | Mapping | Iterator)
    )


def elements(given: Any) -> list[Any]:
    """Everything in a sequence; of an endless one the first 20,001."""
    if isinstance(given, list):
        return list.copy(given)
    return list(islice(iter(given), TURNS_AT_MOST + 1))


def is_message(given: Any) -> bool:
    """Whether an object is one message, rather than several."""
    return isinstance(given, Mapping) or any(
        isinstance(getattr(given, name, None), str | list) for name in ("role", "content", "type", "text")
    )


def opened(given: Any) -> Any:
    """An object that shows none of a message's fields, as the document that it dumps; else itself."""
    if isinstance(given, Mapping | str | bytes | bytearray) or is_message(given):
        return given
    dump = getattr(given, "model_dump", None)
    return dump() if callable(dump) else given
