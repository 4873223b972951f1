"""Why a generation has no tags by a classifier: the closed list, each reason with its sentence and what to do."""

from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """What a reason means for the classification."""

    NOT_YET = "not yet"
    NOT_RUN = "not run"
    FAILED = "failed"
    WAITING = "waiting on the operator"


class Reason(StrEnum):
    """Every answer to "why is this not tagged?"; the names stand in `classifications.reason` and `.state`."""

    PENDING = "pending"
    RUNNING = "running"
    RETRYING = "retrying"
    NO_CLASSIFIER = "no_classifier"
    SAMPLED_OUT = "sampled_out"
    FILTERED_OUT = "filtered_out"
    OWN_CALL = "own_call"
    UNPROVEN_OWN_CALL = "unproven_own_call"
    OVER_BUDGET = "over_budget"
    PAUSED = "paused"
    TEXT_EXPIRED = "text_expired"
    TIMEOUT = "timeout"
    RATE_LIMITED = "rate_limited"
    PROVIDER_ERROR = "provider_error"
    PROVIDER_UNREACHABLE = "provider_unreachable"
    CONTEXT_TOO_LONG = "context_too_long"
    REFUSED = "refused"
    TRUNCATED_OUTPUT = "truncated_output"
    INVALID_OUTPUT = "invalid_output"
    WORKER_LOST = "worker_lost"
    AUTH_FAILED = "auth_failed"
    QUOTA_EXHAUSTED = "quota_exhausted"


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """A reason for people: `sentence` says what happened, `advice` what to do about it."""

    kind: Kind
    sentence: str
    advice: str


_NOT_LATER = "What was not run is not run later: this one stays as it is."

EXPLANATIONS: dict[Reason, Explanation] = {
    Reason.PENDING: Explanation(
        kind=Kind.NOT_YET,
        sentence="It is recorded and waits for its turn.",
        advice="Wait a moment; if this lasts, `aftertag queue` shows whether workers keep up.",
    ),
    Reason.RUNNING: Explanation(
        kind=Kind.NOT_YET,
        sentence="A worker is asking the model at this moment.",
        advice="Wait a moment; if the worker has died, its lease ends by itself and another takes over.",
    ),
    Reason.RETRYING: Explanation(
        kind=Kind.NOT_YET,
        sentence="An attempt did not work out, and it will be asked again when it is due.",
        advice="Nothing to do yet: the last case says what went wrong, and when it is due stands beside it.",
    ),
    Reason.NO_CLASSIFIER: Explanation(
        kind=Kind.NOT_RUN,
        sentence=(
            "No classifier was asked: none was active in the workspace when this was recorded,"
            " or it was imported with --no-classify."
        ),
        advice=f"Make one with `aftertag classifier create`; it tags what is recorded from then on. {_NOT_LATER}",
    ),
    Reason.SAMPLED_OUT: Explanation(
        kind=Kind.NOT_RUN,
        sentence=(
            "Its draw was not below the sampling rate, the classifier's or that of its sender, who kept its text;"
            " where all of its text is [withheld], because a redaction failed on it, the rate is 0."
        ),
        advice=(
            "Nothing is wrong, unless `aftertag queue` counts text_withheld: then mend the redaction. A higher sampling"
            f" rate has more of those to come tagged. {_NOT_LATER}"
        ),
    ),
    Reason.FILTERED_OUT: Explanation(
        kind=Kind.NOT_RUN,
        sentence="The classifier's filters on model, app, user or metadata leave it out.",
        advice=f"Nothing is wrong; change the classifier's filters to have those to come tagged. {_NOT_LATER}",
    ),
    Reason.OWN_CALL: Explanation(
        kind=Kind.NOT_RUN,
        sentence="It is a call of Aftertag's own that came back through a gateway, and own calls are never classified.",
        advice="Nothing is wrong; the call is accounted on the classification that made it.",
    ),
    Reason.UNPROVEN_OWN_CALL: Explanation(
        kind=Kind.NOT_RUN,
        sentence=(
            "It says that it is a classifier's own call, with a mark that is not of this installation;"
            " such calls are never classified, or two installations would ask about each other's calls for ever."
        ),
        advice=(
            "Its usage is counted like any. Nothing is wrong if another Aftertag, or this one before it was upgraded,"
            " asks through the same gateway; else somebody writes the mark to keep calls from being classified, and who"
            " it is stands on the generation: user, key, application."
        ),
    ),
    Reason.OVER_BUDGET: Explanation(
        kind=Kind.NOT_RUN,
        sentence="The classifier had spent its budget of the day.",
        advice=(
            "Raise the classifier's daily budget or lower its sampling rate; tomorrow (UTC) it asks about what is due then."
            f" {_NOT_LATER}"
        ),
    ),
    Reason.PAUSED: Explanation(
        kind=Kind.NOT_RUN,
        sentence="The classifier was paused.",
        advice=f"Start it with `aftertag classifier activate`: it asks about what is recorded from then on. {_NOT_LATER}",
    ),
    Reason.TEXT_EXPIRED: Explanation(
        kind=Kind.NOT_RUN,
        sentence="Its transcript was no longer kept when its turn came.",
        advice="Let the workspace keep text for longer (`aftertag workspace update`), or see in `aftertag queue` why it waited.",
    ),
    Reason.TIMEOUT: Explanation(
        kind=Kind.FAILED,
        sentence="The model did not answer in time, twice, the second time with a shorter transcript.",
        advice="Choose a faster model, or raise AFTERTAG_CALL_TIMEOUT_SECONDS.",
    ),
    Reason.RATE_LIMITED: Explanation(
        kind=Kind.FAILED,
        sentence="The provider refused for too many requests, for a whole day.",
        advice="Lower the sampling rate, or ask the provider for a higher limit.",
    ),
    Reason.PROVIDER_ERROR: Explanation(
        kind=Kind.FAILED,
        sentence="The provider answered with an error: for a whole day, or with one that no retry can mend.",
        advice="Check the classifier's model name against what its endpoint offers.",
    ),
    Reason.PROVIDER_UNREACHABLE: Explanation(
        kind=Kind.FAILED,
        sentence="The endpoint could not be reached for a whole day.",
        advice="Check the endpoint's address and the network with `aftertag doctor`.",
    ),
    Reason.CONTEXT_TOO_LONG: Explanation(
        kind=Kind.FAILED,
        sentence="The transcript did not fit the model's context, also after it was shortened.",
        advice="Choose a model with a larger context, or state the right one in the classifier's context_tokens.",
    ),
    Reason.REFUSED: Explanation(
        kind=Kind.FAILED,
        sentence="The model refused to answer.",
        advice="Choose another model if this happens often: some refuse to read certain texts.",
    ),
    Reason.TRUNCATED_OUTPUT: Explanation(
        kind=Kind.FAILED,
        sentence="The model's answer was cut off at its token limit, twice; half an answer is never made into tags.",
        advice="Choose another model, or one that reasons less before it answers.",
    ),
    Reason.INVALID_OUTPUT: Explanation(
        kind=Kind.FAILED,
        sentence="The model's answer did not fit the taxonomy, twice.",
        advice="Choose a model or endpoint that keeps to a JSON schema.",
    ),
    Reason.WORKER_LOST: Explanation(
        kind=Kind.FAILED,
        sentence="Three workers in turn were lost while they worked on it, so nobody takes it up again.",
        advice="Look into the workers' logs for what ended them: memory, most often.",
    ),
    Reason.AUTH_FAILED: Explanation(
        kind=Kind.WAITING,
        sentence="The endpoint refuses our key; the classification waits and costs nothing meanwhile.",
        advice="Give the workers a valid key for this endpoint and restart them; the rest happens by itself.",
    ),
    Reason.QUOTA_EXHAUSTED: Explanation(
        kind=Kind.WAITING,
        sentence="The account at the provider is out of credit; the classification waits and costs nothing meanwhile.",
        advice="Add credit at the provider; within five minutes the endpoint is tried again by itself.",
    ),
}

UNKNOWN = Explanation(
    kind=Kind.FAILED,
    sentence="This release does not know the reason that stands on the row.",
    advice="Update aftertag here to the release that the workers run.",
)

TAGGED = "tagged"


def explain(reason: str) -> Explanation:
    """Return what to tell a person about `reason`; UNKNOWN for a name that a newer release wrote."""
    return EXPLANATIONS[Reason(reason)] if reason in set(Reason) else UNKNOWN


def of(kind: Kind) -> tuple[Reason, ...]:
    """Return the reasons of one kind, in the list's order."""
    return tuple(reason for reason, explanation in EXPLANATIONS.items() if explanation.kind is kind)
