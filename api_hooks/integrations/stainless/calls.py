"""A call to a provider, from its request to the moment when it is handed over; reading it is the sending thread's.

The caller waits while this runs, between an answer and what he does with it: nothing of it is in the processor's caches
then, and every function that it calls costs a microsecond or more. So it keeps references, and does what cannot wait.
"""

import time
from collections.abc import Mapping, Sequence
from datetime import timedelta
from functools import partial
from typing import Any

from api_hooks import attribution, current, open_spans
from api_hooks.integrations.stainless import background, identity
from api_hooks.integrations.stainless.reading import document
from api_hooks.integrations.stainless.sdk import Sdk
from api_hooks.open_spans import Around

AROUND_BYTES = 5_000
"""What waits of a call beside the bodies of its request and its answer, measured: the request's headers first of all."""

_NO_HEADERS: Mapping[str, str] = {}


def hand_over(
    sdk: Sdk,
    form: str,
    request: Any,
    output: Any,
    size: int,
    took: timedelta | float,
    attributed: Mapping[str, Any],
    streamed: bool = False,
    own_id: str | None = None,
    is_abandoned: bool = False,
) -> None:
    """Leave a call to the sending thread.

    `output` is the response's bytes, an assembly of its stream, or None; `size` about how many bytes that keeps. `took` is
    how long the answer took, in seconds or as a timedelta. The request itself is not kept, nor the response: for as long as
    they waited, their many objects would keep the garbage collector busy, on the caller's thread.
    """
    asked = _body_of(request)
    headers = _NO_HEADERS if "app" in attributed else request.headers  # a client's, to which a context is nearer
    read = partial(document, sdk.name, form, request.url, headers, asked, output, took, streamed, own_id, is_abandoned)
    current.line().put_unread(read, size + len(asked) + AROUND_BYTES, attributed)


class Call:
    """What is kept of a call that is not over when its answer begins, or that somebody else is told of."""

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
        self, *, sdk: Sdk, form: str, response: Any, streamed: bool, is_in_background: bool, asked: Any
    ) -> None:
        self.sdk = sdk
        self.form = form
        self.request = response.request
        self.streamed = streamed
        self.is_litellms = False
        self.is_in_background = is_in_background
        self.attributed: Mapping[str, Any] = attribution.current()
        self.around = open_spans.take()
        self.own_id: str | None = None
        self.model = asked.get("model") if self.around is not None and isinstance(asked, Mapping) else None
        self.began = _began(response)

    def leave_to_litellm(self, told: Mapping[str, Any]) -> None:
        """LiteLLM reports the call unless it is abandoned, with `told` of who made it."""
        self.is_litellms = True
        self.attributed = {**self.attributed, **told}

    def hand_over(self, output: Any, size: int, *, is_abandoned: bool = False) -> None:
        """Hand over what came of it, as the function of this name does."""
        if self.around is not None and self.own_id is None:
            self._tell_span(identity.told(output), self.around)
        if self.is_litellms and not is_abandoned:
            return
        if self.is_in_background:
            kept = size + len(_body_of(self.request)) + AROUND_BYTES
            if background.await_answer(self, kept, output):
                return
        hand_over(
            self.sdk,
            self.form,
            self.request,
            output,
            size,
            time.perf_counter() - self.began,
            self.attributed,
            self.streamed,
            self.own_id,
            is_abandoned,
        )

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


def took(response: Any) -> timedelta | float:
    """How long the attempt took until the whole answer was there, from its sending; 0.0 seconds if untold."""
    try:
        elapsed: timedelta = response.elapsed
    except (AttributeError, RuntimeError):  # a transport, or an httpx, that does not say
        return 0.0
    return elapsed


def _body_of(request: Any) -> bytes:
    try:
        content: bytes = request.content
    except Exception:  # noqa: BLE001 - a body that was streamed: without it the call counts as bad input
        return b""
    return content


def _began(response: Any) -> float:
    """When the attempt was sent, by the performance counter: httpx starts a clock there."""
    now = time.perf_counter()
    try:
        return now - response.elapsed.total_seconds() if response.is_closed else min(now, float(response.stream._start))
    except (AttributeError, RuntimeError, TypeError):  # see above
        return now
