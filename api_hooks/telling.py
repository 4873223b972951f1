"""What the log is told: at most one line a minute, and never any text of a generation."""

import logging
from collections.abc import Callable

from api_hooks.losses import REASONS, WITHHELD, Losses

logger = logging.getLogger("aftertag")

LOG_SECONDS = 60.0


class Telling:
    """Says what was dropped and why, which texts were withheld, and whether sending fails."""

    def __init__(self, *, losses: Losses, clock: Callable[[], float]) -> None:
        self._losses = losses
        self._clock = clock
        self._may_log_at = float("-inf")
        self.send_problem: str | None = None
        self.refusal: str | None = None
        self.redact_problem: str | None = None

    @property
    def due_at(self) -> float | None:
        """When there is something to say; None when there is nothing."""
        return self._may_log_at if self._losses.is_unlogged else None

    def tell(self, *, is_failing: bool) -> None:
        """Write the line, where there is one to write; `is_failing`: generations wait, because sending fails."""
        now = self._clock()
        if now < self._may_log_at or not (self._losses.is_unlogged or is_failing):
            return
        if sentences := self._sentences(self._losses.take_unlogged(), is_failing=is_failing):
            self._may_log_at = now + LOG_SECONDS
            logger.warning("%s", " ".join(sentences))

    def _sentences(self, losses: dict[str, int], *, is_failing: bool) -> list[str]:
        sentences = []
        withheld = losses.pop(WITHHELD, 0)
        losses.pop("no_generation", None)  # nothing was lost with an answer that was none
        if losses:
            lost = "; ".join(f"{count} {reason} ({REASONS[reason]})" for reason, count in losses.items())
            answered = f" The server's answer was {self.refusal}." if "refused" in losses else ""
            sentences.append(f"Generations were dropped: {lost}.{answered}")
        if withheld:
            sentences.append(
                f"Texts were withheld: {withheld}; redact failed, the last time with {self.redact_problem}."
            )
        if is_failing:
            sentences.append(f"Generations wait: sending them fails with {self.send_problem}; it is tried again.")
        return sentences
