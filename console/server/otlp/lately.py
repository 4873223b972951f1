"""Calls of the last minutes by the span around them: of two instruments' spans, the outer one may come in a later request.

Each span is a request of its own where an application exports as they end. This is one process's memory: where several
servers share one application's requests, an outer span that tells no response id stays a generation of its own.
"""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

MOST = 20_000
"""Spans that are remembered, about 10 MB; beyond it the oldest are forgotten."""

SECONDS = 600.0

Place = tuple[str, str, str]
"""(workspace, trace id, span id)"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Within:
    """The call within a span, or the first of several."""

    generation_id: str
    is_alone: bool
    since: float


class Lately:
    """Safe for threads."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._found: OrderedDict[Place, Within] = OrderedDict()
        self._lock = threading.Lock()

    def remember(self, around: Place, generation_id: str) -> None:
        """Say that this call was within that span; said again, it changes nothing."""
        now = self._clock()
        with self._lock:
            before = self._found.get(around)
            if before is None or now - before.since > SECONDS:
                self._found[around] = Within(generation_id=generation_id, is_alone=True, since=now)
                self._found.move_to_end(around)
                if len(self._found) > MOST:
                    self._found.popitem(last=False)
            elif before.is_alone and before.generation_id != generation_id:
                self._found[around] = Within(generation_id=before.generation_id, is_alone=False, since=before.since)

    def within(self, span: Place) -> Within | None:
        """What is known to have been called within this span."""
        with self._lock:
            found = self._found.get(span)
        return found if found is not None and self._clock() - found.since <= SECONDS else None
