"""Which classifier asks about a generation, and which does not and why; the store writes the answer down."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from uuid import UUID

from api_hooks import wire
from taxonomies.definition import ClassifierDefinition, Filters
from worker.generation import Generation

NOBODY = UUID(int=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """An active or paused classifier of the generation's workspace, at its present version.

    Without a definition, because this release cannot read it, it is paused.
    """

    classifier_id: UUID
    version: int
    paused: bool
    endpoint: str
    definition: ClassifierDefinition | None
    billed_to: UUID | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """One row to be: this generation, by this classifier; `reason` is None when it shall be asked."""

    classifier_id: UUID
    version: int
    endpoint: str
    reason: str | None
    rate: float | None = None
    draw: float | None = None
    billed_to: UUID | None = None


def place(generation: Generation, standings: Sequence[Standing], *, unasked: str | None) -> list[Placed]:
    """Say for each classifier whether it is asked; at least one row, so that every generation has its reason.

    `unasked` is the reason why none is asked, where the call is a classifier's own.
    """
    if unasked is not None:
        return [_nobody(unasked)]
    if not standings:
        return [_nobody("no_classifier")]
    return [_place(generation, standing) for standing in standings]


def _place(generation: Generation, standing: Standing) -> Placed:
    definition = standing.definition
    if definition is None:
        return Placed(
            classifier_id=standing.classifier_id,
            version=standing.version,
            endpoint=standing.endpoint,
            reason="paused",
            billed_to=standing.billed_to,
        )
    by_session = definition.sample_by == "session" and generation.session_id is not None
    number = wire.draw(generation.workspace, str(generation.session_id) if by_session else generation.id)
    rate = definition.sampling_rate
    if generation.source_rate is not None:  # its sender sampled it out and kept the text: nobody can ask about it
        rate, number = generation.source_rate, generation.source_draw
    elif is_withheld(generation):
        rate = 0.0  # the same, text by text
    return Placed(
        classifier_id=standing.classifier_id,
        version=standing.version,
        endpoint=standing.endpoint,
        reason="paused" if standing.paused else _why_not(generation, definition.filters, rate, number),
        rate=rate,
        draw=number,
        billed_to=standing.billed_to,
    )


def is_withheld(generation: Generation) -> bool:
    """Whether a redaction failed on all that was said: a model would be paid for reading nothing."""
    said = [text for _, text, _, _ in generation.turns if text]
    return bool(said) and all(text == wire.WITHHELD for text in said)


def _why_not(generation: Generation, filters: Filters, rate: float, number: float) -> str | None:
    if not passes(generation, filters):
        return "filtered_out"
    if number >= rate:
        return "sampled_out"
    return None


def passes(generation: Generation, filters: Filters) -> bool:
    """Whether every filter that is set has a pattern that matches."""
    return (
        _any_matches(generation.model, filters.models)
        and _any_matches(generation.app, filters.apps)
        and _any_matches(generation.user, filters.users)
        and all(_any_matches(generation.metadata.get(key), (glob,)) for key, glob in filters.metadata.items())
    )


def _any_matches(found: str | None, globs: Iterable[str]) -> bool:
    patterns = tuple(globs)
    return not patterns or (found is not None and any(fnmatchcase(found, pattern) for pattern in patterns))


def _nobody(reason: str) -> Placed:
    return Placed(classifier_id=NOBODY, version=0, endpoint="", reason=reason)
