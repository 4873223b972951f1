"""The table, walked with an injected clock: case → tries → reason."""

import pytest

from classifier_models import retry
from classifier_models.reply import Case
from classifier_models.retry import Final, Retry, WaitForOperator

DAY = 24 * 60 * 60.0

# case: how many calls a classification gets when every one ends in it, and why it ends; None: not while a day lasts
TABLE = {
    Case.RATE_LIMITED: (None, "rate_limited"),
    Case.SERVER_ERROR: (None, "provider_error"),
    Case.UNREACHABLE: (None, "provider_unreachable"),
    Case.TIMEOUT: (2, "timeout"),
    Case.CONTEXT_TOO_LONG: (2, "context_too_long"),
    Case.TRUNCATED: (2, "truncated_output"),
    Case.UNREADABLE: (2, "invalid_output"),
    Case.INVALID_ANSWER: (2, "invalid_output"),
    Case.BAD_REQUEST: (1, "provider_error"),
    Case.REFUSED: (1, "refused"),
}
CHANGE = {
    Case.TIMEOUT: "shorter_transcript",
    Case.CONTEXT_TOO_LONG: "shorter_transcript",
    Case.TRUNCATED: "larger_token_cap",
    Case.UNREADABLE: "larger_token_cap",
    Case.INVALID_ANSWER: "larger_token_cap",
}


def walk(*cases: Case, random: float = 0.999) -> tuple[int, float, Final]:
    """Let every call end in the next of `cases` (the last for ever); return calls, seconds and the end."""
    clock = calls = once_more = 0.0
    while True:
        case = cases[min(int(calls), len(cases) - 1)]
        calls += 1
        once_more += case in retry.ONCE_MORE_CASES
        decision = retry.decide(
            case,
            tries_of_case=int(once_more),
            attempts=int(calls),
            seconds_since_first_attempt=clock,
            random=lambda: random,
        )
        if isinstance(decision, Final):
            return int(calls), clock, decision
        assert isinstance(decision, Retry)
        assert clock <= DAY
        clock += decision.after_seconds


@pytest.mark.parametrize(("case", "calls_and_reason"), TABLE.items())
def test_a_case_gets_its_tries_and_ends_in_its_reason(case: Case, calls_and_reason: tuple[int | None, str]) -> None:
    calls, seconds, end = walk(case)
    expected_calls, reason = calls_and_reason
    assert end == Final(reason=reason)
    if expected_calls is None:
        assert DAY <= seconds < DAY + 15 * 60
        assert 96 <= calls < 110
    else:
        assert calls == expected_calls
        assert seconds <= 2


@pytest.mark.parametrize(
    ("case", "reason"),
    [
        (Case.UNAUTHORIZED, "auth_failed"),
        (Case.FORBIDDEN, "auth_failed"),
        (Case.OUT_OF_CREDIT, "quota_exhausted"),
    ],
)
def test_what_only_the_operator_can_mend_waits_for_ever(case: Case, reason: str) -> None:
    decision = retry.decide(
        case, tries_of_case=0, attempts=9000, seconds_since_first_attempt=30 * DAY, random=lambda: 0.5
    )
    assert decision == WaitForOperator(reason=reason, after_seconds=60.0)


@pytest.mark.parametrize(("case", "change"), CHANGE.items())
def test_the_one_more_try_has_a_changed_request(case: Case, change: str) -> None:
    decision = retry.decide(case, tries_of_case=1, attempts=1, seconds_since_first_attempt=1.0, random=lambda: 0.0)
    assert decision == Retry(after_seconds=0.0, change=change)  # type: ignore[arg-type]


def test_one_more_try_is_one_for_all_such_cases_together() -> None:
    calls, _, end = walk(Case.TIMEOUT, Case.INVALID_ANSWER, Case.TRUNCATED)
    assert (calls, end) == (2, Final(reason="invalid_output"))


def test_rate_limits_in_between_use_up_no_other_case() -> None:
    calls, _, end = walk(Case.RATE_LIMITED, Case.TIMEOUT, Case.SERVER_ERROR, Case.REFUSED)
    assert (calls, end) == (4, Final(reason="refused"))


def test_every_case_stands_in_this_table() -> None:
    waiting = {Case.UNAUTHORIZED, Case.FORBIDDEN, Case.OUT_OF_CREDIT}
    assert set(TABLE) | waiting == set(Case)


@pytest.mark.parametrize(("attempts", "seconds"), [(0, 2), (1, 2), (2, 4), (9, 512), (10, 900), (100_000, 900)])
def test_backoff_doubles_up_to_a_quarter_of_an_hour(attempts: int, seconds: float) -> None:
    assert retry.backoff_ceiling_seconds(attempts) == seconds


def test_jitter_is_full() -> None:
    waits = [
        retry.decide(
            Case.SERVER_ERROR,
            tries_of_case=0,
            attempts=3,
            seconds_since_first_attempt=0.0,
            random=lambda share=share: share,
        )
        for share in (0.0, 0.25, 0.5)
    ]
    assert waits == [Retry(after_seconds=seconds) for seconds in (0.0, 2.0, 4.0)]
