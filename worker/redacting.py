"""The operator's own function over every text, before anything is stored: what it cannot redact is withheld.

Names stay as they are: ids, models, users, sessions, applications, metadata, names of tools. A turn that its sender cut
is shown as it came, so a secret that the cut runs through is seen in part only. A message that could not even be decoded
goes from Redis into `set_aside` as it is.
"""

import importlib
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

import structlog

from api_hooks import wire
from worker import errors, own_calls
from worker.feedback import Feedback
from worker.generation import Generation, Turn, storable

LOSS = "text_withheld"
TOLD_EVERY_SECONDS = 60.0
DEEPEST = 50

_WIRE_NAMES = "v id id_given workspace created_at generation_id score dropped left_out own_call source_rate source_draw"
_CALL_NAMES = (
    "model provider tools usage cost_usd latency_ms finish_reason streamed user session_id app api_key_name metadata"
)
_NAMES = frozenset((*_WIRE_NAMES.split(), *_CALL_NAMES.split()))
"""Keys whose values are no text of a conversation."""

log = structlog.get_logger()


class Redaction:
    """Shows texts to `function`, from several threads; counts those it had to withhold."""

    def __init__(self, function: Callable[[str], object], *, clock: Callable[[], float] = time.monotonic) -> None:
        self._function = function
        self._clock = clock
        self._lock = threading.Lock()
        self._withheld = 0
        self._tell_again_at = 0.0

    def generation(self, found: Generation) -> Generation:
        """Return it with every turn's text redacted; a classifier's own call is still known by its mark."""
        turns = [self._turn(turn) for turn in found.turns]
        return found.model_copy(update={"turns": turns, "own_call": own_calls.mark_of(found)})

    def feedback(self, found: Feedback) -> Feedback:
        if found.comment is None:
            return found
        return found.model_copy(update={"comment": self.text(found.comment)[: wire.COMMENT_CHARACTERS]})

    def document(self, document: object) -> object:
        """Return what could not be recorded, with every text redacted that does not stand under a name's key."""
        return self._document(document, depth=0)

    def text(self, text: str) -> str:
        """Return what may be stored of a text."""
        made = self.shown(text)
        return wire.WITHHELD if made is None else made

    def shown(self, text: str) -> str | None:
        """The same for the wire, which shows more of a long text before it cuts it; None when it is withheld."""
        if not text:
            return text
        try:
            made = self._function(text)
        except BaseException as error:  # noqa: BLE001 - also SystemExit: the text is withheld, and recording goes on
            self._count_withheld(type(error).__name__)
            return None
        if isinstance(made, str):
            return str(storable(made))
        self._count_withheld(f"{type(made).__name__} as its result")
        return None

    def take_losses(self) -> dict[str, int]:
        """Return how many texts were withheld since the last time, as losses are counted."""
        with self._lock:
            count, self._withheld = self._withheld, 0
        return {LOSS: count} if count else {}

    def give_back(self, losses: Mapping[str, int]) -> None:
        """Count them again: they could not be written down."""
        with self._lock:
            self._withheld += losses.get(LOSS, 0)

    @property
    def has_losses(self) -> bool:
        return self._withheld > 0

    def _turn(self, turn: Turn) -> Turn:
        kind, text, name, length = turn
        made = self.text(text)
        if made == text:
            return turn
        kept = made[: wire.TURN_CHARACTERS + 1]
        full = length if length is not None else len(made)
        return (kind, kept, name, full if full > len(kept) and made != wire.WITHHELD else None)

    def _document(self, value: object, *, depth: int) -> Any:
        if isinstance(value, str):
            return self.text(value)
        if depth > DEEPEST:
            return wire.WITHHELD
        if isinstance(value, dict):
            return {key: self._under(key, one, depth=depth + 1) for key, one in value.items()}
        if isinstance(value, list | tuple):
            return [self._document(one, depth=depth + 1) for one in value]
        return value

    def _under(self, key: object, value: object, *, depth: int) -> Any:
        if key in _NAMES:
            return value
        if key == "turns" and isinstance(value, list):
            return [self._written_turn(one, depth=depth + 1) for one in value]
        return self._document(value, depth=depth)

    def _written_turn(self, turn: object, *, depth: int) -> Any:
        """A turn of the wire keeps its kind and name, so that it can be replayed."""
        if isinstance(turn, list) and len(turn) > 1 and turn[0] in wire.KINDS:
            return [turn[0], self._document(turn[1], depth=depth), *turn[2:]]
        return self._document(turn, depth=depth)

    def _count_withheld(self, problem: str) -> None:
        with self._lock:
            self._withheld += 1
            told, now = self._tell_again_at, self._clock()
            if now >= told:
                self._tell_again_at = now + TOLD_EVERY_SECONDS
        if now >= told:
            log.warning("the function in AFTERTAG_REDACT failed; texts are withheld", problem=problem)


def named(name: str | None) -> Redaction | None:
    """Return the redaction that AFTERTAG_REDACT names, None for none. Raise SettingsError when there is no such function."""
    if not name:
        return None
    module, _, path = name.partition(":")
    try:
        found: Any = importlib.import_module(module)
        for part in path.split("."):
            found = getattr(found, part)
        if not callable(found):
            raise TypeError("it cannot be called")
    except Exception as error:  # noqa: BLE001 - whatever importing the operator's module raises
        raise errors.SettingsError(
            f"AFTERTAG_REDACT is {name!r}, which cannot be used ({type(error).__name__}: {error}); write"
            " package.module:function, of a module that this process can import."
        ) from None
    return Redaction(found)
