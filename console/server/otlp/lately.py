"""Calls of the last minutes by the span around them: of two instruments' spans, the outer one may come in a later request.

Each span is a request of its own where an application exports as they end. This is one process's memory: where several
servers share one application's requests, an outer span stays a generation of its own.
"""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from api_hooks.wire import naming

MOST = 20_000
"""Spans that are remembered, and response ids, some 10 MB of each; beyond it the oldest are forgotten."""

SECONDS = 600.0

CALLS_AT_MOST = 8
"""Of those within one span; that there were more is not remembered."""

Place = tuple[str, str, str]
"""(workspace, trace id, span id)"""

_Key = TypeVar("_Key", bound=Hashable)
_Told = TypeVar("_Told")


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One call: the id of its generation, every model that its span states, and its tokens."""

    generation_id: str
    models: tuple[str, ...] = ()
    usage: Mapping[str, int] = field(default_factory=dict)

    def is_around_another(self, inner: "Call") -> bool:
        """Whether this is a call itself and not a second view of `inner`, which its span is around.

        So it is where it states another model, and tokens that are not the inner's: a guard asks a model of its own
        while the call that it guards is under way.
        """
        if not self.models or not inner.models:
            return False
        if any(naming.is_same_model(one, other) for one in self.models for other in inner.models):
            return False
        return any(self.usage.get(side) not in (None, inner.usage.get(side)) for side in ("prompt", "completion"))


class Lately:
    """Safe for threads."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._within = _Memory[Place, tuple[Call, ...]](clock)
        self._names = _Memory[tuple[str, str], str](clock)
        self._lock = threading.Lock()

    def remember(self, around: Place, call: Call) -> None:
        """Say that this call was within that span; said again, it changes nothing."""
        with self._lock:
            before = self._within.get(around) or ()
            if len(before) < CALLS_AT_MOST and all(one.generation_id != call.generation_id for one in before):
                self._within.put(around, (*before, call))

    def within(self, span: Place) -> tuple[Call, ...]:
        """What is known to have been called within this span."""
        with self._lock:
            return self._within.get(span) or ()

    def name(self, workspace: str, response_id: str, generation_id: str) -> None:
        """Say under which id a response is recorded; said again, it changes nothing."""
        with self._lock:
            if self._names.get((workspace, response_id)) is None:
                self._names.put((workspace, response_id), generation_id)

    def name_of(self, workspace: str, response_id: str) -> str | None:
        """Under which id a response is recorded, where one of its spans was seen."""
        with self._lock:
            return self._names.get((workspace, response_id))


class _Memory(Generic[_Key, _Told]):
    """What was told of late."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._found: OrderedDict[_Key, tuple[float, _Told]] = OrderedDict()

    def get(self, key: _Key) -> _Told | None:
        since, told = self._found.get(key, (0.0, None))
        return told if told is not None and self._clock() - since <= SECONDS else None

    def put(self, key: _Key, told: _Told) -> None:
        self._found.pop(key, None)
        self._found[key] = (self._clock(), told)
        if len(self._found) > MOST:
            self._found.popitem(last=False)
