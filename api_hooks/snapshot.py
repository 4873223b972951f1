"""A cheap copy of what the caller handed over, and about how much memory it keeps; the buffer is next.

It runs on the caller's thread, so it touches exact lists, tuples, dicts and strings only: no method of anybody else's
class is called, and nothing is iterated that could run code; not even `isinstance` is used, which asks `__class__`.
Lists, dicts and objects are copied, because callers append to their messages and edit their parts right after the call.
What is not copied (more than six levels down, or made in C) is kept as it is, and counts with what it holds.
"""

from collections import deque
from datetime import datetime
from gc import get_referents
from types import GetSetDescriptorType, MappingProxyType
from typing import Any

from api_hooks.standins import Place, places, standin
from api_hooks.wire.contract import TURNS_AT_MOST

_MESSAGE_BYTES = 150
_OBJECT_BYTES = 500
_DEEPEST = 6
_COPIED_AT_MOST = 60_000
_REFUSED_BYTES = 1 << 60

_SHAPED = ("metadata", "tools", "usage")
"""What else is read in depth. An object in another place, such as a `user` of a database, is not worth its copy."""

_TEXTS = (str, bytes, bytearray)
_PLAIN = (str, int, float, bool, bytes, type(None))
_WEIGHED = (*_TEXTS, tuple, set, frozenset, deque)


def taken(messages: Any, output: Any, rest: dict[str, Any]) -> tuple[Any, Any, int]:
    """Return copies of messages and output, and about how many bytes all keep. `rest` is ours: copied in place.

    Costs 0.15 µs for a plain message. More than 60,000 containers are more than any buffer holds. Of a list of more
    messages than a generation has turns, the first and last are taken, and `rest` says how many were left out.
    """
    copier = _Copier()
    if issubclass(type(messages), list):
        messages = list.copy(messages)
        if len(messages) > TURNS_AT_MOST:
            rest["left_out"] = len(messages) - TURNS_AT_MOST
            del messages[TURNS_AT_MOST // 2 : -TURNS_AT_MOST // 2]
        messages = copier.copy_messages(messages)
    elif messages is not None:
        messages = copier.copy(messages, 0)
    if type(output) is str:
        copier.size += len(output)
    elif output is not None:
        output = copier.copy(output, 0)
    for name, value in rest.items():
        if value is not None:
            kind = type(value)
            if kind is str:
                copier.size += len(value)
            elif kind is not bool and kind is not float and kind is not int and kind is not datetime:
                rest[name] = copier.copy(value, 0 if name in _SHAPED else _DEEPEST)
    return messages, output, copier.size


class _Copier:
    __slots__ = ("left", "objects", "size")

    def __init__(self) -> None:
        self.size = 0
        self.objects = 0  # that the copying is inside of
        self.left = _COPIED_AT_MOST

    def copy_messages(self, messages: list[Any]) -> list[Any]:
        copies: list[Any] = []
        size = 0
        for message in messages:
            if type(message) is dict and len(message) == 2:
                try:
                    role, content = message["role"], message["content"]
                except KeyError:
                    copies.append(self.copy(message, 1))
                    continue
                if type(content) is str and type(role) is str:
                    size += len(content)
                    copies.append((role, content))  # read like the message, and a quarter of its copy
                    continue
            copies.append(self.copy(message, 1))
        self.size += size + len(copies) * _MESSAGE_BYTES
        return copies

    def copy(self, value: Any, depth: int) -> Any:
        """A copy as deep as messages are; what is deeper is kept as it is, and weighed."""
        kind = type(value)
        if kind is str or kind is bytes:
            self.size += len(value)
            return value
        if value is None or kind is int or kind is float or kind is bool:
            return value
        if depth > _DEEPEST:
            self._weigh(value)
            return value
        if not self._may_go_on():
            return value
        if kind is dict:
            return self._copied(value.copy(), depth)
        if issubclass(kind, dict):
            return self._copied_plain(value, depth)
        if issubclass(kind, list):
            self.size += 60 + 8 * list.__len__(value)
            return [self.copy(inner, depth + 1) for inner in list.copy(value)]
        if kind is tuple:
            self.size += 60 + 8 * len(value)
            return tuple([self.copy(inner, depth + 1) for inner in value])
        if issubclass(kind, _WEIGHED):
            self.left += 1
            self._weigh(value)
            return value
        if kind is MappingProxyType:  # which would ask what it shows for its keys
            return self.copy(get_referents(value)[0], depth + 1)
        return self._stood_in_for(value, depth)

    def _may_go_on(self) -> bool:
        """Count a container. Past the most, what hangs together with the messages is refused, by its size.

        What hangs together with an object is charged: it may be half the application, which keeps it anyway.
        """
        self.left -= 1
        if self.left >= 0:
            return True
        self.size += _OBJECT_BYTES if self.objects else _REFUSED_BYTES
        return False

    def _copied(self, held: dict[Any, Any], depth: int) -> dict[Any, Any]:
        """Copy what a dict of ours holds. Keys that are no plain text have a hash of their own, and keep their value."""
        size = 100 + 50 * len(held)
        for key, inner in held.items():
            is_text = type(key) is str
            if is_text:
                size += len(key)
            if type(inner) is str:
                size += len(inner)
            elif inner is not None:
                copy = self.copy(inner, depth + 1)
                if is_text:
                    held[key] = copy
        self.size += size
        return held

    def _copied_plain(self, value: Any, depth: int) -> Any:
        """Copy a dict of another class into a plain one; `dict.copy` would ask the class for its keys."""
        pairs = list(dict.items(value))
        if all(type(key) in _PLAIN for key, _ in pairs):
            return self._copied(dict(pairs), depth)
        self._weigh(value)
        return value

    def _stood_in_for(self, value: Any, depth: int) -> Any:
        """Copy what an object keeps, into another of its class."""
        self.size += _OBJECT_BYTES
        self.objects += 1
        held: list[tuple[Place, Any]] = []
        for place, inner in places(value):
            if type(inner) is dict and type(place) is GetSetDescriptorType:
                held.append((place, self._copied(dict.copy(inner), depth + 1)))
            else:
                held.append((place, self.copy(inner, depth + 1)))
        self.objects -= 1
        return standin(value, held)

    def _weigh(self, value: Any) -> None:
        """Count what is kept as it is, each container once, however often it is met."""
        seen: set[int] = set()
        ahead = [value]
        while ahead:
            value = ahead.pop()
            kind = type(value)
            if kind is str or kind is bytes:
                self.size += len(value)
                continue
            if value is None or kind is int or kind is float or kind is bool or id(value) in seen:
                continue
            seen.add(id(value))
            if not self._may_go_on():
                return
            if issubclass(kind, _TEXTS):
                self.size += next(text.__len__(value) for text in _TEXTS if issubclass(kind, text))
                continue
            inner = self._inner(value, kind)
            self.size += 100 + 50 * len(inner)
            ahead += inner

    def _inner(self, value: Any, kind: type) -> list[Any]:
        if issubclass(kind, dict):
            return [one for pair in dict.items(value) for one in pair]
        if kind is MappingProxyType:
            return get_referents(value)
        for container in (list, tuple, set, frozenset, deque):
            if issubclass(kind, container):
                return list(container.__iter__(value))
        self.size += _OBJECT_BYTES
        kept = [inner for _, inner in places(value)]
        texts = [inner for one in kept for inner in (dict.values(one) if type(one) is dict else (one,))]
        return [text for text in texts if type(text) is str or type(text) is bytes]
