"""One call to a provider, from its request to the moment when it is handed over."""

import time
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from api_hooks import attribution, current, open_spans
from api_hooks.integrations.stainless import background, identity
from api_hooks.integrations.stainless.reading import read
from api_hooks.integrations.stainless.sdk import Sdk
from api_hooks.open_spans import Around
from api_hooks.unread import Unread

AROUND_BYTES = 6_000
"""What a request takes up beside its body, measured: its headers first of all."""


class Call:
    """What is kept of a call while its answer comes in: references only. Times are those of the attempt that succeeded."""

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
        "seconds",
        "started_at",
        "streamed",
    )

    def __init__(self, *, sdk: Sdk, form: str, response: Any, streamed: bool, asked: Any = None) -> None:
        self.sdk = sdk
        self.form = form
        self.request = response.request
        self.streamed = streamed
        self.is_litellms = False
        self.is_in_background = isinstance(asked, Mapping) and asked.get("background") is True
        self.attributed: Mapping[str, Any] = attribution.current()
        self.around = open_spans.take()
        self.own_id: str | None = None
        self.model = asked.get("model") if self.around is not None and isinstance(asked, Mapping) else None
        self.seconds = _seconds_so_far(response)
        self.started_at = time.time() - self.seconds
        self.began = time.perf_counter() - self.seconds

    def leave_to_litellm(self, told: Mapping[str, Any]) -> None:
        """LiteLLM reports the call unless it is abandoned, with `told` of who made it."""
        self.is_litellms = True
        self.attributed = {**self.attributed, **told}

    def hand_over(self, output: Any, size: int, *, seconds: float | None = None, is_abandoned: bool = False) -> None:
        """Leave it to the sending thread. `output` is the response's bytes, an assembly of its stream, or None."""
        if self.around is not None and self.own_id is None:
            self._tell_span(identity.told(output), self.around)
        if self.is_litellms and not is_abandoned:
            return
        size += _bytes_of(self.request) + AROUND_BYTES
        if self.is_in_background and background.await_answer(self, size, output):
            return
        reading = partial(read, self.sdk.name, self.form, self.request, output, is_abandoned, self.attributed)
        rest: dict[str, Any] = dict.fromkeys(("workspace", "model", "provider", "id", "tools", "usage", "cost_usd"))
        rest |= dict.fromkeys(("finish_reason", "user", "session_id", "app", "api_key_name", "metadata"))
        rest["id"] = self.own_id
        rest["created_at"] = self.started_at
        rest["latency_ms"] = (self.seconds if seconds is None else seconds) * 1000
        rest["streamed"] = self.streamed
        current.line().put(None, Unread(reading, size), rest, attributed=self.attributed)

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


def _seconds_so_far(response: Any) -> float:
    """How long the attempt took until the answer was there, or began; httpx starts the clock when it sends."""
    try:
        if response.is_closed:
            return float(response.elapsed.total_seconds())
        return max(0.0, time.perf_counter() - float(response.stream._start))
    except (AttributeError, RuntimeError, TypeError):  # a transport, or an httpx, that does not say
        return 0.0


def _bytes_of(request: Any) -> int:
    try:
        return len(request.content)
    except Exception:  # noqa: BLE001 - a body that was streamed; reading finds none either
        return 0
