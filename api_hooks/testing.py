"""For your own tests: what was handed over, without Redis, server or worker.

    def test_an_answer_is_handed_over():
        with api_hooks.testing.captured() as generations:
            answer_the_customer("My invoice is wrong.")
        assert [generation.user for generation in generations] == ["u-17"]

Everything is real but the way out: the snapshot, the buffer, the sending thread, `redact` and `sample`, the shape of the
wire. Reading waits until what was handed over has arrived. As a pytest fixture:

    @pytest.fixture
    def generations():
        with api_hooks.testing.captured() as generations:
            yield generations
"""

import json
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, NamedTuple, overload

from api_hooks import current
from api_hooks.line import Stats
from api_hooks.settings import Settings

PATIENCE_SECONDS = 10.0


class Turn(NamedTuple):
    """One entry of a transcript; `length` is the text's full length when it was cut."""

    kind: str
    text: str
    name: str | None = None
    length: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Generation:
    """A generation as the worker would have got it; see `api_hooks.wire`."""

    id: str
    id_given: bool
    workspace: str | None
    created_at: str
    model: str | None
    provider: str | None
    turns: tuple[Turn, ...]
    tools: tuple[str, ...]
    usage: Mapping[str, int]
    cost_usd: float | None
    latency_ms: float | None
    finish_reason: str | None
    streamed: bool
    user: str | None
    session_id: str | None
    app: str | None
    api_key_name: str | None
    metadata: Mapping[str, str] = field(default_factory=dict)
    left_out: int = 0
    own_call: str | None = None
    source_rate: float | None = None
    source_draw: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Feedback:
    """Feedback as the worker would have got it."""

    id: str
    workspace: str | None
    generation_id: str
    created_at: str
    score: float | None
    comment: str | None
    user: str | None
    metadata: Mapping[str, str] = field(default_factory=dict)


class Captured(Sequence[Generation]):
    """The generations that were handed over, oldest first, as a list is read; and feedback, and what was dropped."""

    def __init__(self) -> None:
        self._kept = _Keeping()
        self._stats: Stats | None = None

    @overload
    def __getitem__(self, index: int) -> Generation: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[Generation, ...]: ...
    def __getitem__(self, index: int | slice) -> Generation | tuple[Generation, ...]:
        return self._generations[index]

    def __len__(self) -> int:
        return len(self._generations)

    def __repr__(self) -> str:
        return f"<{len(self._kept.generations)} generations, {len(self._kept.feedback)} feedback>"

    @property
    def feedback(self) -> Sequence[Feedback]:
        self._arrive()
        return tuple(self._kept.feedback)

    @property
    def dropped(self) -> Mapping[str, int]:
        """How many were dropped, by reason, since the beginning or the last `configure`: `bad_input` and its like."""
        return (self._stats or current.stats()).dropped

    @property
    def _generations(self) -> tuple[Generation, ...]:
        self._arrive()
        return tuple(self._kept.generations)

    def _arrive(self) -> None:
        if self._stats is None and not current.flush(PATIENCE_SECONDS):
            raise TimeoutError(f"What was handed over did not arrive within {PATIENCE_SECONDS:.0f} s.")


@contextmanager
def captured(**settings: Any) -> Iterator[Captured]:
    """Keep what is handed over inside, instead of sending it. `settings` as in `configure`; none are needed.

    Over Redis a generation has to name its workspace, or it is dropped: `captured(url="redis://localhost")` asks the same
    of your code, without sending anything there, and `dropped` says what production would lose.

    `configure` inside changes the settings, not where it goes. The hook as it was before is back afterwards; what was
    handed over to it is not touched. In child processes, what they hand over is kept there and lost.
    """
    found = Captured()
    with current.sending_to(found._kept, Settings.build(settings, {})):
        try:
            yield found
        finally:
            current.flush(PATIENCE_SECONDS)
            found._stats = current.stats()


class _Keeping:
    """The way out that keeps; see `flusher.Sender`."""

    def __init__(self) -> None:
        self.generations: list[Generation] = []
        self.feedback: list[Feedback] = []
        self._lock = threading.Lock()

    def send(self, batch: bytes) -> int:
        document = json.loads(batch)
        with self._lock:
            self.generations += [_generation(one) for one in document["generations"]]
            self.feedback += [Feedback(**one) for one in document.get("feedback", ())]
        return 0

    def close(self) -> None:
        """There is nothing to let go of."""


def _generation(wired: Mapping[str, Any]) -> Generation:
    turns = tuple(Turn(*turn) for turn in wired["turns"])
    return Generation(**{**wired, "turns": turns, "tools": tuple(wired["tools"])})
