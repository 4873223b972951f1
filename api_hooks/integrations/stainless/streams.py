"""Listen to a stream: the application has the SDK's own, and only its decoder is another.

The decoder passes on every event, at once and unchanged, after a reference to its text was kept. Texts cannot change
afterwards, as chunks could.
"""

from collections.abc import AsyncIterator, Iterator
from typing import Any

from api_hooks.integrations.stainless.assembling import DONE, Assembly
from api_hooks.integrations.stainless.calls import Call
from api_hooks.integrations.stainless.listening import AsyncListened, Listener, listened, lose

PILE_CHARACTERS = 64 * 1024
"""What is kept of a stream as it came; beyond it the pile is assembled, which takes about half a millisecond."""

_AROUND_BYTES = 50
"""What a text takes up beside its characters."""


def listen(call: Call, stream: Any, response: Any) -> None:
    """Listen to a stream that nobody has read from yet."""
    stream._decoder = _Decoder(stream._decoder, EventListener(call, response))


class EventListener(Listener):
    """Gathers the texts of a stream's events."""

    def __init__(self, call: Call, response: Any) -> None:
        super().__init__(call, response)
        self._form = call.form
        self._assembly = Assembly(call.form)
        self._pile: list[str] = []
        self._size = 0

    def add(self, one: Any) -> None:
        try:
            if self._size > PILE_CHARACTERS:  # before this event: the last one may be large, and is left as it is
                pile, self._pile, self._size = self._pile, [], 0
                self._assembly.add(pile)
            text = one.data
            self._pile.append(text)
            self._size += len(text)
            if self.untold:
                self.tell(self._pile)
        except Exception:  # noqa: BLE001 - an application never fails over its tagging
            self._pile = []
            if self.release() is not None:  # a part of what was said would pass for all of it
                lose()

    @property
    def is_told_done(self) -> bool:
        return bool(self._pile) and self._pile[-1].startswith(DONE)

    def gathered(self, *, is_abandoned: bool) -> tuple[Any, int]:
        assembly, self._assembly = self._assembly, Assembly(self._form)
        pile, self._pile = self._pile, []
        assembly.leave(pile)
        return assembly, self._size + len(pile) * _AROUND_BYTES + assembly.size


class _Decoder:
    """A decoder of server-sent events whose events are listened to; all else about it is the SDK's own decoder's."""

    def __init__(self, decoder: Any, listener: EventListener) -> None:
        self._decoder = decoder
        self._listener = listener

    def iter_bytes(self, chunks: Any) -> Iterator[Any]:
        return listened(self._decoder.iter_bytes(chunks), self._listener)

    def aiter_bytes(self, chunks: Any) -> AsyncIterator[Any]:
        return AsyncListened(self._decoder.aiter_bytes(chunks), self._listener)

    def __getattr__(self, name: str) -> Any:
        if name == "_decoder":  # a copy that is being made has none yet
            raise AttributeError(name)
        return getattr(self._decoder, name)
