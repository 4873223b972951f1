"""A generation that is still the bytes of a request and a response: the sending thread reads them, not the caller's.

Bytes cannot change under it, and taking them costs the caller no more than two references.
"""

from collections.abc import Callable, Mapping
from typing import Any


class Unread:
    """Stands in the buffer in place of an output, and keeps about `size` bytes alive.

    `read` is called once, on the sending thread. It returns `enqueue`'s arguments as far as the call states them, None
    where it turns out to be no generation; what it raises counts as bad input.
    """

    __slots__ = ("read", "size")

    def __init__(self, read: Callable[[], Mapping[str, Any] | None], size: int) -> None:
        self.read = read
        self.size = size

    def document(self, rest: Mapping[str, Any]) -> dict[str, Any] | None:
        """`rest` and what the call states, which wins, key by key in `metadata`."""
        stated = self.read()
        if stated is None:
            return None
        document = {**rest, **{name: value for name, value in stated.items() if value is not None}}
        if isinstance(rest.get("metadata"), Mapping) and isinstance(stated.get("metadata"), Mapping):
            document["metadata"] = {**rest["metadata"], **stated["metadata"]}
        return document
