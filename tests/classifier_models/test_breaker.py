"""An endpoint's health, with an injected clock."""

from collections.abc import Callable

import pytest

from classifier_models.breaker import Breaker, Held
from classifier_models.reply import Answered, Case, Unanswered, Usage
from tests.clock import Clock

GOOD = Answered(tags={}, usage=Usage(), model="m", latency_ms=1)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def breaker(clock: Callable[[], float]) -> Breaker:
    return Breaker(clock=clock)


def bad(case: Case, retry_after_seconds: float | None = None) -> Unanswered:
    return Unanswered(case=case, retry_after_seconds=retry_after_seconds)


def test_an_endpoint_that_nothing_is_known_of_may_be_called(breaker: Breaker) -> None:
    assert breaker.admit("openai", "m") is None


@pytest.mark.parametrize(
    ("case", "reason"),
    [
        (Case.UNAUTHORIZED, "auth_failed"),
        (Case.OUT_OF_CREDIT, "quota_exhausted"),
    ],
)
def test_it_opens_at_once_and_only_for_its_endpoint(case: Case, reason: str, breaker: Breaker) -> None:
    breaker.learn("openai", "m", bad(case))
    for model in ("m", "another"):
        assert breaker.admit("openai", model) == Held(reason=reason, after_seconds=30.0)
    assert breaker.is_open("openai")
    assert breaker.admit("ollama", "m") is None


def test_a_forbidden_model_leaves_the_other_models_of_its_endpoint_alone(breaker: Breaker, clock: Clock) -> None:
    breaker.learn("openai", "m", bad(Case.FORBIDDEN))
    assert breaker.admit("openai", "m") == Held(reason="auth_failed", after_seconds=30.0)
    assert breaker.admit("openai", "another") is None
    assert (breaker.is_open("openai"), breaker.is_open("openai", "m")) == (False, True)
    breaker.learn("openai", "another", GOOD)
    assert breaker.is_open("openai", "m")
    clock.now += 30
    assert breaker.admit("openai", "m") is None
    breaker.learn("openai", "m", GOOD)
    assert not breaker.is_open("openai", "m")


def test_a_key_that_is_refused_a_model_was_recognised(breaker: Breaker) -> None:
    breaker.learn("openai", "m", bad(Case.UNAUTHORIZED))
    breaker.learn("openai", "m", bad(Case.FORBIDDEN))
    assert breaker.admit("openai", "another") is None
    assert breaker.admit("openai", "m") is not None


def test_a_forbidden_model_spends_no_probe_of_its_endpoint(breaker: Breaker, clock: Clock) -> None:
    breaker.learn("openai", "forbidden", bad(Case.FORBIDDEN))
    clock.now += 29
    breaker.learn("openai", "m", bad(Case.UNAUTHORIZED))
    clock.now += 1  # the model's probe is due, the endpoint's is not
    assert breaker.admit("openai", "forbidden") == Held(reason="auth_failed", after_seconds=29.0)
    clock.now += 29
    assert breaker.admit("openai", "forbidden") is None
    assert breaker.admit("openai", "m") == Held(reason="auth_failed", after_seconds=60.0)


def test_one_call_is_let_through_per_probe_and_probes_become_rarer_up_to_five_minutes(
    breaker: Breaker, clock: Clock
) -> None:
    breaker.learn("openai", "m", bad(Case.UNAUTHORIZED))
    waits = []
    for _ in range(6):
        held = breaker.admit("openai", "m")
        assert held is not None
        waits.append(held.after_seconds)
        clock.now += held.after_seconds
        assert breaker.admit("openai", "m") is None
        assert breaker.admit("openai", "m") is not None
        breaker.learn("openai", "m", bad(Case.UNAUTHORIZED))
    assert waits == [30.0, 60.0, 120.0, 240.0, 300.0, 300.0]


def test_calls_that_were_in_flight_when_it_opened_do_not_push_the_probe_away(breaker: Breaker, clock: Clock) -> None:
    for _ in range(100):
        breaker.learn("openai", "m", bad(Case.OUT_OF_CREDIT))
        clock.now += 0.1
    held = breaker.admit("openai", "m")
    assert held is not None
    assert held.after_seconds == pytest.approx(20.0)


@pytest.mark.parametrize("reply", [GOOD, bad(Case.REFUSED), bad(Case.INVALID_ANSWER), bad(Case.RATE_LIMITED)])
def test_an_answer_that_the_key_was_needed_for_closes_it(reply: Answered | Unanswered, breaker: Breaker) -> None:
    breaker.learn("openai", "m", bad(Case.UNAUTHORIZED))
    breaker.learn("openai", "m", reply)
    assert breaker.admit("openai", "m") is None
    assert not breaker.is_open("openai")


@pytest.mark.parametrize("case", [Case.TIMEOUT, Case.UNREACHABLE, Case.SERVER_ERROR])
def test_no_answer_proves_nothing_and_leaves_it_open(case: Case, breaker: Breaker) -> None:
    breaker.learn("openai", "m", bad(Case.UNAUTHORIZED))
    breaker.learn("openai", "m", bad(case))
    assert breaker.is_open("openai")


def test_retry_after_cools_the_endpoint_for_so_long(breaker: Breaker, clock: Clock) -> None:
    breaker.learn("openai", "m", bad(Case.RATE_LIMITED, 7.0))
    assert breaker.admit("openai", "m") == Held(reason="rate_limited", after_seconds=7.0)
    clock.now += 7.0
    assert breaker.admit("openai", "m") is None


def test_a_shorter_retry_after_does_not_shorten_the_cooling_and_a_long_one_is_bounded(breaker: Breaker) -> None:
    breaker.learn("openai", "m", bad(Case.RATE_LIMITED, 100_000.0))
    breaker.learn("openai", "m", bad(Case.SERVER_ERROR, 1.0))
    assert breaker.admit("openai", "m") == Held(reason="rate_limited", after_seconds=900.0)


def test_rate_limits_without_retry_after_cool_nothing(breaker: Breaker) -> None:
    breaker.learn("openai", "m", bad(Case.RATE_LIMITED))
    assert breaker.admit("openai", "m") is None
