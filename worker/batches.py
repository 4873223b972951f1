"""What the hook sends at once, taken apart; each generation and each feedback is checked next."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from api_hooks import wire
from worker import errors

OTHER = "other"
"""Where the losses are counted whose reason is none of the hook's: a key's holder may write anything there."""

LOST_AT_MOST = 10**9
"""What one batch may report of one reason; more is counted as this."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Generations and feedback, unchecked, and the losses that the hook reports, by reason."""

    generations: Sequence[object] = field(repr=False)
    feedback: Sequence[object] = field(repr=False)
    dropped: Mapping[str, int]


def read(batch: object) -> Batch:
    """Raise InvalidRequestError when `batch` is none of version 1."""
    if not isinstance(batch, dict) or batch.get("v") != wire.VERSION or not isinstance(batch.get("generations"), list):
        raise errors.InvalidRequestError(
            f"The message is no batch of wire version {wire.VERSION}; use the hook of the same release as the worker."
        )
    feedback = batch.get("feedback")
    return Batch(
        generations=batch["generations"],
        feedback=feedback if isinstance(feedback, list) else [],
        dropped=_losses(batch.get("dropped")),
    )


def _losses(dropped: object) -> dict[str, int]:
    losses: Counter[str] = Counter()
    for reason, count in (dropped if isinstance(dropped, dict) else {}).items():
        if isinstance(count, int) and count > 0:
            losses[reason if reason in wire.LOSS_REASONS else OTHER] += count
    return {reason: min(count, LOST_AT_MOST) for reason, count in losses.items()}
