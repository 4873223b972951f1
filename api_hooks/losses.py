"""Count what was dropped, by reason, and the texts that were withheld: for `stats()`, the log, and the worker to see."""

import threading
from collections import Counter

REASONS = {
    "buffer_full": "more came than could be sent; see buffer_generations and buffer_bytes",
    "broker_full": "max_broker_bytes wait in Redis; are workers running?",
    "too_large": "one generation was larger than buffer_bytes, or consisted of more than 60,000 lists and dicts",
    "bad_input": "neither a generation nor feedback could be made of what was handed over; is there a workspace?",
    "no_generation": "a provider's answer was none, such as an error with status 200",
    "not_retrieved": "more answers in the background were asked for than are remembered until somebody retrieves them",
    "refused": "the server takes no such batch; is AFTERTAG_URL its address, and is it as new as the hook?",
    "rejected": "the server did not record these: they are for another workspace than the key's, or it set them aside",
    "not_configured": "there is no redis:// or https:// address to send to; set AFTERTAG_URL",
    "no_thread": "there is no thread to send with: the interpreter ends, is out of threads, or is uWSGI's first process",
    "closed": "it came after close(), or was not sent when the interpreter ended",
}

WITHHELD = "text_withheld"
"""How texts that `redact` failed on are reported; nothing is lost but they."""


class Losses:
    """Counts since the start, and those of them that neither the worker nor the log has seen yet."""

    def __init__(self) -> None:
        # Reentrant: a finalizer may enqueue while this thread counts.
        self._lock = threading.RLock()
        self._total: Counter[str] = Counter()
        self._unsent: Counter[str] = Counter()
        self._unlogged: Counter[str] = Counter()

    def count(self, reason: str, generations: int = 1, *, is_told: bool = False) -> None:
        """Count a loss; one that `is_told`, because the server itself said so, does not go along with the next batch."""
        with self._lock:
            self._total[reason] += generations
            if not is_told:
                self._unsent[reason] += generations
            self._unlogged[reason] += generations

    def total(self) -> dict[str, int]:
        """The losses by reason."""
        with self._lock:
            return {reason: count for reason, count in self._total.items() if reason != WITHHELD}

    @property
    def withheld(self) -> int:
        return self._total[WITHHELD]

    def take_unsent(self) -> dict[str, int]:
        """Hand over what goes along with the next batch. A batch that arrives twice has them counted twice."""
        with self._lock:
            unsent, self._unsent = self._unsent, Counter()
        return dict(unsent)

    def give_back(self, unsent: dict[str, int]) -> None:
        """The batch that carried them was dropped itself."""
        with self._lock:
            self._unsent.update(unsent)

    @property
    def is_unsent(self) -> bool:
        return bool(self._unsent)

    @property
    def is_unlogged(self) -> bool:
        return bool(self._unlogged)

    def take_unlogged(self) -> dict[str, int]:
        with self._lock:
            unlogged, self._unlogged = self._unlogged, Counter()
        return dict(unlogged)
