"""How one claimed classification ended for now: a value, which the store turns into a row."""

from dataclasses import dataclass

from classifier_models.reply import Tags, Usage


@dataclass(frozen=True, slots=True, kw_only=True)
class Tagged:
    """The model's answer was accepted."""

    tags: Tags
    certainty: dict[str, float] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed:
    """It will not be tagged; nobody asks again."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Retry:
    """It is asked again in `after_seconds` by the database's clock."""

    after_seconds: float
    change: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """It stays pending, for the operator or for a cooled endpoint; no try is counted."""

    reason: str | None
    after_seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Skipped:
    """It was not run, and will not be."""

    reason: str


Outcome = Tagged | Failed | Retry | Waiting | Skipped


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """What one model call used, whatever became of it; `case` is None when it was answered."""

    usage: Usage | None
    model: str | None
    latency_ms: float
    case: str | None = None
    once_more: bool = False  # the case is one of those that get exactly one more try
