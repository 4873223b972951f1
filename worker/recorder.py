"""What recording needs of its process, so that a worker and the HTTP server record alike."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Protocol, TypeVar

from worker.metrics import Metrics
from worker.redacting import Redaction
from worker.store.connecting import Engine
from worker.store.recording import Key

Result = TypeVar("Result")


class Patience(Protocol):
    """How a process gets through an absence of Postgres: a worker waits for its end, the server says so at once."""

    def outlast(self, step: Callable[[], Result], *, without_end: bool = False) -> Result:
        """Return what `step` returns; `without_end` is for what has nowhere else to go."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorder:
    """`ring` publishes bells for (endpoint, keys) after a commit, `has_room` says for which endpoints it is to be called.

    `redaction` goes over every text before it is stored; with `estimates` a cost that nobody reports is estimated from
    the model's public price. `known_days` are those whose partitions this process has
    seen; recording adds to them and takes from them.
    """

    engine: Engine
    past: timedelta
    patience: Patience
    ring: Callable[[str, Sequence[Key]], None]
    has_room: Callable[[str], bool]
    metrics: Metrics
    redaction: Redaction | None = None
    estimates: bool = True
    known_days: set[date] = field(default_factory=set)
