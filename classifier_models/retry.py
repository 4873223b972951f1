"""The table: what follows from every case that a call can end in. Classifying turns the decision into a row.

Waiting holds nothing: a retry is a time in the database, counted from the database's clock.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from classifier_models.reply import Case

Change = Literal["larger_token_cap", "shorter_transcript"]

BACKOFF_BASE_SECONDS = 2.0
BACKOFF_CAP_SECONDS = 15 * 60.0
GIVE_UP_AFTER_SECONDS = 24 * 60 * 60.0
ONCE_MORE_WITHIN_SECONDS = 2.0
OPERATOR_WAIT_SECONDS = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Retry:
    """Ask again in `after_seconds`, with the request changed as `change` says (None: the same request)."""

    after_seconds: float
    change: Change | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Final:
    """Asking again would not help: the classification has failed for `reason`."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitForOperator:
    """Only a person can help; the row stays pending for `reason`, uncounted, and is due again in `after_seconds`."""

    reason: str
    after_seconds: float


Decision = Retry | Final | WaitForOperator


@dataclass(frozen=True, slots=True, kw_only=True)
class UntilGivenUp:
    """Full-jitter exponential backoff until a day after the first attempt."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OnceMore:
    """Exactly one more try in the life of a classification, with a changed request."""

    reason: str
    change: Change


@dataclass(frozen=True, slots=True, kw_only=True)
class Never:
    """Final at once."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Operator:
    """Waits until the endpoint's breaker closes."""

    reason: str


TABLE: dict[Case, UntilGivenUp | OnceMore | Never | Operator] = {
    Case.RATE_LIMITED: UntilGivenUp(reason="rate_limited"),
    Case.SERVER_ERROR: UntilGivenUp(reason="provider_error"),
    Case.UNREACHABLE: UntilGivenUp(reason="provider_unreachable"),
    Case.TIMEOUT: OnceMore(reason="timeout", change="shorter_transcript"),
    Case.CONTEXT_TOO_LONG: OnceMore(reason="context_too_long", change="shorter_transcript"),
    Case.TRUNCATED: OnceMore(reason="truncated_output", change="larger_token_cap"),
    Case.UNREADABLE: OnceMore(reason="invalid_output", change="larger_token_cap"),
    Case.INVALID_ANSWER: OnceMore(reason="invalid_output", change="larger_token_cap"),
    Case.BAD_REQUEST: Never(reason="provider_error"),
    Case.REFUSED: Never(reason="refused"),
    Case.UNAUTHORIZED: Operator(reason="auth_failed"),
    Case.FORBIDDEN: Operator(reason="auth_failed"),
    Case.OUT_OF_CREDIT: Operator(reason="quota_exhausted"),
}

ONCE_MORE_CASES = frozenset(case for case, rule in TABLE.items() if isinstance(rule, OnceMore))


def decide(
    case: Case,
    *,
    tries_of_case: int,
    attempts: int,
    seconds_since_first_attempt: float,
    random: Callable[[], float],
) -> Decision:
    """Return what follows from `case`.

    `tries_of_case` counts how often this classification has ended in any of ONCE_MORE_CASES, this time included;
    `attempts` counts all its calls so far; `random` returns a number in [0, 1).
    """
    match TABLE[case]:
        case UntilGivenUp(reason=reason):
            if seconds_since_first_attempt >= GIVE_UP_AFTER_SECONDS:
                return Final(reason=reason)
            return Retry(after_seconds=random() * backoff_ceiling_seconds(attempts))
        case OnceMore(reason=reason, change=change):
            if tries_of_case > 1:
                return Final(reason=reason)
            return Retry(after_seconds=random() * ONCE_MORE_WITHIN_SECONDS, change=change)
        case Never(reason=reason):
            return Final(reason=reason)
        case Operator(reason=reason):
            return WaitForOperator(reason=reason, after_seconds=OPERATOR_WAIT_SECONDS)


def backoff_ceiling_seconds(attempts: int) -> float:
    """Return the longest wait after so many attempts: 2, 4, 8, … seconds, at most 15 minutes."""
    doublings = min(max(attempts, 1) - 1, 16)  # 2 ** 5000 is no float
    return min(BACKOFF_CAP_SECONDS, BACKOFF_BASE_SECONDS * 2.0**doublings)
