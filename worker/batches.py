"""What the hook sends at once, taken apart; each generation and each feedback is checked next."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice

from api_hooks import wire
from worker import errors, generation

MOST_LOSS_REASONS = 32


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
    dropped, feedback = batch.get("dropped"), batch.get("feedback")
    losses = {
        str(generation.storable(reason[:64])): count
        for reason, count in (dropped if isinstance(dropped, dict) else {}).items()
        if isinstance(reason, str) and isinstance(count, int) and 0 < count < 10**12
    }
    return Batch(
        generations=batch["generations"],
        feedback=feedback if isinstance(feedback, list) else [],
        dropped=dict(islice(losses.items(), MOST_LOSS_REASONS)),
    )
