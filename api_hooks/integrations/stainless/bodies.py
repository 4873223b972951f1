"""A raw response whose body nobody has read yet: what the application reads of it is listened to, and nothing more.

That is `with_streaming_response`, and the raw response of a stream. If the application has the SDK make a stream of it,
that is listened to instead. A body that stays unread, or is read undecoded, is handed over without its output.
"""

import functools
import inspect
from collections.abc import AsyncIterator, Iterator
from typing import Any

from api_hooks.integrations.stainless import streams
from api_hooks.integrations.stainless.assembling import Assembly
from api_hooks.integrations.stainless.calls import Call
from api_hooks.integrations.stainless.listening import AsyncListened, Instead, Listener, listened, lose

BODY_BYTES = 16_000_000
"""The most that is kept of a body; a larger one is handed over without its output."""


def listen(call: Call, raw: Any, response: Any) -> None:
    """Listen to what is read of `response`. `raw` is the SDK's response around it, or `response` itself."""
    listener = BodyListener(call, response)
    reading, reading_async = response.iter_bytes, response.aiter_bytes
    vars(response).update(
        iter_bytes=Instead(_iter_bytes, reading, listener), aiter_bytes=Instead(_aiter_bytes, reading_async, listener)
    )
    if hasattr(raw, "parse"):
        _watch_parsing(raw, response, listener)


class BodyListener(Listener):
    """Gathers the bytes of a body."""

    def __init__(self, call: Call, response: Any) -> None:
        super().__init__(call, response)
        self._form = call.form
        kind = response.headers.get("content-type", "")
        self._is_stream = "text/event-stream" in kind
        self._is_binary = "amazon.eventstream" in kind
        self._chunks: list[bytes] = []
        self._size = 0

    def add(self, one: Any) -> None:
        if self._size <= BODY_BYTES and isinstance(one, bytes):
            self._chunks.append(one)
            self._size += len(one)
            if self.untold and self._is_stream:
                self.tell(list(_texts(b"".join(self._chunks))))

    def gathered(self, *, is_abandoned: bool) -> tuple[Any, int]:
        body, self._chunks = b"".join(self._chunks), []
        if self._is_stream:
            assembly = Assembly(self._form)
            assembly.leave(_texts(body))
            return assembly, len(body)
        is_whole = bool(body) and not is_abandoned and not self._is_binary and self._size <= BODY_BYTES
        return (body, len(body)) if is_whole else (None, 0)


def _iter_bytes(reading: Any, listener: BodyListener, *given: Any, **named: Any) -> Iterator[bytes]:
    return listened(reading(*given, **named), listener)


def _aiter_bytes(reading: Any, listener: BodyListener, *given: Any, **named: Any) -> AsyncIterator[bytes]:
    return AsyncListened(reading(*given, **named), listener)


def _watch_parsing(raw: Any, response: Any, listener: BodyListener) -> None:
    """Listen to the stream that `raw.parse()` may make, from then on in place of the body."""
    parsing = raw.parse

    def listen_to(parsed: Any) -> Any:
        try:
            if hasattr(parsed, "_decoder") and (call := listener.release()) is not None:
                streams.listen(call, parsed, response)
        except Exception:  # noqa: BLE001 - an application never fails over its tagging
            lose()
        return parsed

    if inspect.iscoroutinefunction(parsing):

        @functools.wraps(parsing)
        async def parse(*given: Any, **named: Any) -> Any:
            return listen_to(await parsing(*given, **named))
    else:

        @functools.wraps(parsing)
        def parse(*given: Any, **named: Any) -> Any:
            return listen_to(parsing(*given, **named))

    vars(raw)["parse"] = parse
    listener.changes(raw)


def _texts(body: bytes) -> Iterator[str]:
    """The texts of the server-sent events in a body."""
    lines: list[str] = []
    for line in body.decode(errors="replace").replace("\r\n", "\n").split("\n"):
        if line.startswith("data:"):
            lines.append(line[5:].removeprefix(" "))
        elif not line and lines:
            yield "\n".join(lines)
            lines = []
    if lines:
        yield "\n".join(lines)
