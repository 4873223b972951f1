"""A call to a provider, from its answer to the moment when it is handed over; reading it is the sending thread's."""

import time
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from api_hooks import current
from api_hooks.integrations.stainless import background, identity
from api_hooks.integrations.stainless.reading import document
from api_hooks.integrations.stainless.sdk import Sdk
from api_hooks.line import Line
from api_hooks.open_spans import Around

AROUND_BYTES = 5_000
"""What waits of a call beside the bodies of its request and its answer, measured: the request's headers first of all."""

_NO_HEADERS: Mapping[str, str] = {}


class Call:
    """What is kept of a call until its answer is there, or of one that somebody else is told of."""

    __slots__ = (
        "around",
        "attributed",
        "began",
        "form",
        "is_in_background",
        "is_litellms",
        "model",
        "own_id",
        "request",
        "sdk",
        "streamed",
    )

    def __init__(
        self,
        *,
        sdk: Sdk,
        form: str,
        options: Any,
        response: Any,
        streamed: bool,
        attributed: Mapping[str, Any],
        seen: float,
    ) -> None:
        """`response` was `seen` then, by the performance counter, and the contexts around the call said `attributed`."""
        asked = options.json_data if isinstance(options.json_data, Mapping) else {}
        self.sdk = sdk
        self.form = form
        self.request = response.request
        self.streamed = streamed
        self.is_litellms = False
        self.is_in_background = form == "responses" and asked.get("background") is True
        self.attributed = attributed
        self.around: Around | None = None
        self.own_id: str | None = None
        self.model = asked.get("model")
        self.began = _began(response, seen)

    def leave_to_litellm(self, told: Mapping[str, Any]) -> None:
        """LiteLLM reports the call unless it is abandoned, with `told` of who made it."""
        self.is_litellms = True
        self.attributed = {**self.attributed, **told}

    def hand_over(
        self,
        output: Any,
        size: int,
        *,
        is_abandoned: bool = False,
        line: Line | None = None,
        ended: float | None = None,
    ) -> None:
        """Leave to the sending thread what came of it: to that of this process's line now, if no other is given.

        `output` is the response's bytes, an assembly of its stream, or None; `size` about how many bytes that keeps. It
        `ended` then, by the performance counter; now, if that is not given. Neither the request is kept nor the response:
        for as long as they waited, their many objects would keep the application's garbage collector busy.
        """
        if self.around is not None and self.own_id is None:
            self._tell_span(identity.told(output), self.around)
        if self.is_litellms and not is_abandoned:
            return
        asked = _body_of(self.request)
        size += len(asked) + AROUND_BYTES
        if self.is_in_background and background.await_answer(self, size, output):
            return
        now = time.perf_counter()
        ended = now if ended is None else ended
        headers = _NO_HEADERS if "app" in self.attributed else self.request.headers  # a context is nearer than a client
        read = partial(
            document,
            self.sdk.name,
            self.form,
            self.request.url,
            headers,
            asked,
            output,
            ended - self.began,
            self.streamed,
            self.own_id,
            is_abandoned,
        )
        line = line or current.line()
        line.put_unread(time.time_ns() - round((now - ended) * 1e9), read, size, self.attributed)

    def tell_early(self, first: Sequence[str]) -> bool:
        """Tell the span around by a stream's first events; return whether there is no more to tell it now.

        The reader of an abandoned stream may end its span before the stream itself is found abandoned.
        """
        if self.around is None:
            return True
        is_there, provider_id = identity.told_early(self.form, first)
        if is_there:
            self._tell_span(provider_id, self.around)
        return is_there

    def _tell_span(self, provider_id: str | None, around: Around) -> None:
        """Tell another instrument's span by which id this is recorded; only for that it is read on the caller's thread."""
        self.own_id = provider_id
        if provider_id is None and not self.is_litellms:  # whose callback would not know it
            self.own_id = identity.new()
        if self.own_id is not None:
            around.tell(self.own_id, self.model)


def _body_of(request: Any) -> bytes:
    try:
        content: bytes = request.content
    except Exception:  # noqa: BLE001 - a body that was streamed: without it the call counts as bad input
        return b""
    return content


def _began(response: Any, seen: float) -> float:
    """When the attempt was sent, by the performance counter: httpx starts a clock there."""
    try:
        if response.is_closed:
            return seen - float(response.elapsed.total_seconds())
        return min(seen, float(response.stream._start))
    except (AttributeError, RuntimeError, TypeError):  # a transport, or an httpx, that does not say
        return seen
