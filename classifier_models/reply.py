"""How one call ended: Answered with tags, or Unanswered with the case that the retry table decides about."""

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Literal

Tags = dict[str, str | list[str]]
CostSource = Literal["reported", "estimated", "unknown"]


class Case(StrEnum):
    """Every way in which a call can end without tags."""

    RATE_LIMITED = "rate_limited"
    SERVER_ERROR = "server_error"
    UNREACHABLE = "unreachable"
    TIMEOUT = "timeout"
    UNAUTHORIZED = "unauthorized"
    FORBIDDEN = "forbidden"
    OUT_OF_CREDIT = "out_of_credit"
    BAD_REQUEST = "bad_request"
    CONTEXT_TOO_LONG = "context_too_long"
    REFUSED = "refused"
    TRUNCATED = "truncated"
    UNREADABLE = "unreadable"
    INVALID_ANSWER = "invalid_answer"


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """What one call used: tokens, and US dollars when the provider reported them or a price is known.

    `prompt_tokens` includes `cached_tokens`, and `completion_tokens` includes `reasoning_tokens`.
    """

    prompt_tokens: int = 0
    completion_tokens: int = 0
    cached_tokens: int = 0
    reasoning_tokens: int = 0
    cost_usd: Decimal | None = None
    cost_source: CostSource = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """The model placed the transcript in the taxonomy; `certainty` is per dimension, 0..1, where a model gives it."""

    tags: Tags
    certainty: dict[str, float] | None = None
    usage: Usage
    model: str
    latency_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Unanswered:
    """No tags; `detail` says a little more for the operator and never contains text of the transcript or the answer."""

    case: Case
    usage: Usage | None = None
    model: str | None = None
    latency_ms: int = 0
    retry_after_seconds: float | None = None
    status: int | None = None
    detail: str = ""


Reply = Answered | Unanswered
