import pytest

from classifier_models import retry
from classifier_models.retry import Never, OnceMore, Operator, UntilGivenUp
from worker import reasons
from worker.reasons import Kind, Reason

# The design's list, written out: whoever changes one side has to look at the other.
NOT_YET = "pending running retrying"
NOT_RUN = "no_classifier sampled_out filtered_out own_call unproven_own_call over_budget paused text_expired"
FAILED = (
    "timeout rate_limited provider_error provider_unreachable context_too_long refused"
    " truncated_output invalid_output worker_lost"
)
WAITING = "auth_failed quota_exhausted"


@pytest.mark.parametrize(
    ("kind", "names"),
    [(Kind.NOT_YET, NOT_YET), (Kind.NOT_RUN, NOT_RUN), (Kind.FAILED, FAILED), (Kind.WAITING, WAITING)],
)
def test_the_list_is_the_designs(kind: Kind, names: str) -> None:
    assert " ".join(reasons.of(kind)) == names


@pytest.mark.parametrize("reason", Reason)
def test_every_reason_has_a_sentence_and_says_what_to_do(reason: Reason) -> None:
    explanation = reasons.explain(reason.value)
    for sentence in (explanation.sentence, explanation.advice):
        assert sentence[0].isupper()
        assert sentence.endswith(".")
        assert len(sentence.split()) >= 4


def test_no_two_reasons_share_a_sentence() -> None:
    sentences = [explanation.sentence for explanation in reasons.EXPLANATIONS.values()]
    assert len(set(sentences)) == len(Reason)


@pytest.mark.parametrize("rule", retry.TABLE.values(), ids=str)
def test_every_reason_that_a_call_can_end_in_is_on_the_list(rule: UntilGivenUp | OnceMore | Never | Operator) -> None:
    wanted = Kind.WAITING if isinstance(rule, Operator) else Kind.FAILED
    assert reasons.explain(rule.reason).kind is wanted


def test_a_reason_of_a_newer_release_is_told_and_not_a_crash() -> None:
    assert reasons.explain("of_tomorrow") is reasons.UNKNOWN
