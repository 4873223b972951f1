"""Calls: what a reply means for its classification, and that every classification handed over ends."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

import pytest

from classifier_models import endpoints
from classifier_models.breaker import Breaker
from classifier_models.client import ModelClient
from classifier_models.question import Question, prepare
from classifier_models.reply import Answered, Case, Reply, Unanswered, Usage
from tests.model_server import ModelServer
from tests.waiting import wait_until
from tests.worker.classifier_samples import definition
from tests.worker.line_stage import NOW
from worker import calls
from worker.calls import RELEASED, Asking, Calls
from worker.outcomes import Failed, Retry, Tagged, Waiting
from worker.store.claims import Claimed
from worker.store.outcomes import Ended


def claimed(**given: Any) -> Claimed:
    row: dict[str, Any] = {
        "key": ("acme", "1", NOW),
        "classifier_id": uuid4(),
        "version": 1,
        "endpoint": "local",
        "token": uuid4(),
        "attempts": 0,
        "second_tries": 0,
        "change": None,
        "seconds_since_first_attempt": 0.0,
        "turns": [],
        "tools": [],
    }
    return Claimed(**{**row, **given})


def conclude(reply: Any, **given: Any) -> Ended:
    return calls.conclude(claimed(**given), reply, random=lambda: 0.5)


def test_an_answer_is_tagged_with_its_certainty_and_its_call() -> None:
    usage = Usage(prompt_tokens=3)
    ended = conclude(Answered(tags={"a": "b"}, certainty={"a": 0.5}, usage=usage, model="m", latency_ms=7))
    assert ended.outcome == Tagged(tags={"a": "b"}, certainty={"a": 0.5})
    assert ended.call is not None
    assert (ended.call.usage, ended.call.model, ended.call.case, ended.call.once_more) == (usage, "m", None, False)


@pytest.mark.parametrize(
    ("case", "given", "outcome"),
    [
        (Case.RATE_LIMITED, {}, Retry(after_seconds=1.0)),
        (Case.RATE_LIMITED, {"attempts": 2}, Retry(after_seconds=4.0)),
        (Case.SERVER_ERROR, {"seconds_since_first_attempt": 86_400.0}, Failed(reason="provider_error")),
        (Case.TRUNCATED, {}, Retry(after_seconds=1.0, change="larger_token_cap")),
        (Case.TRUNCATED, {"second_tries": 1}, Failed(reason="truncated_output")),
        (Case.TIMEOUT, {"second_tries": 1}, Failed(reason="timeout")),
        (Case.RATE_LIMITED, {"second_tries": 1}, Retry(after_seconds=1.0)),
        (Case.REFUSED, {}, Failed(reason="refused")),
        (Case.UNAUTHORIZED, {}, Waiting(reason="auth_failed", after_seconds=60.0)),
    ],
)
def test_what_follows_from_a_case_is_read_from_the_retry_table(case: Case, given: dict[str, Any], outcome: Any) -> None:
    ended = conclude(Unanswered(case=case), **given)
    assert ended.outcome == outcome
    assert ended.call is not None
    assert ended.call.case == case.value


@pytest.fixture
def ended() -> list[Ended]:
    return []


@pytest.fixture
def forsaken() -> list[Claimed]:
    return []


@pytest.fixture
def running(ended: list[Ended], forsaken: list[Claimed]) -> Iterator[Calls]:
    """Calls of the built-in model, one at a time; stopped at the end unless the test did."""
    with started(ended, forsaken, environ={}, in_flight=1, timeout_seconds=30) as running:
        yield running


@contextmanager
def started(
    ended: list[Ended],
    forsaken: list[Claimed],
    *,
    environ: dict[str, str],
    in_flight: int,
    timeout_seconds: float,
    open_client: Callable[[], ModelClient] = ModelClient,
) -> Iterator[Calls]:
    running = Calls(
        endpoints=endpoints.from_environment(environ),
        breaker=Breaker(clock=time.monotonic, probe_seconds=30),
        in_flight=in_flight,
        in_flight_per_endpoint=in_flight,
        timeout_seconds=timeout_seconds,
        ended=ended.append,
        forsaken=forsaken.append,
        open_client=open_client,
    )
    running.start()
    yield running
    if not running._loop.is_closed():
        running.stop(0)


def asking(*, asked_by: float | None = None, transcript: str = "USER: yes it is", **given: Any) -> Asking:
    asked = definition()
    question = Question(
        prepared=prepare(asked.taxonomy, asked.prompt, mark="0a1b"), model="local-lexical", transcript=transcript
    )
    deadline = time.monotonic() + 60 if asked_by is None else asked_by
    return Asking(claimed=claimed(**given), question=question, asked_by=deadline)


def test_everything_handed_over_ends_once(running: Calls, ended: list[Ended]) -> None:
    some = [asking() for _ in range(40)]
    running.hand_over(some)
    wait_until(lambda: len(ended) == 40, deadline_seconds=60)
    assert {one.claimed.token for one in ended} == {one.claimed.token for one in some}
    assert all(isinstance(one.outcome, Tagged) for one in ended)
    assert running.in_flight == 0


def test_a_call_that_could_not_start_in_time_is_released_uncounted(running: Calls, ended: list[Ended]) -> None:
    running.hand_over([asking(asked_by=time.monotonic() - 1)])
    wait_until(lambda: ended)
    assert (ended[0].outcome, ended[0].call) == (RELEASED, None)


def test_who_waits_for_the_built_in_models_thread_does_not_wait_on_its_calls_deadline(
    ended: list[Ended], forsaken: list[Claimed]
) -> None:
    """A deadline begins with `ask`, so no more are let in there than the thread is at, and one that is next."""
    inside = most = 0

    class Counting(ModelClient):
        async def ask(self, endpoint: endpoints.Endpoint, question: Question, timeout_seconds: float) -> Reply:
            nonlocal inside, most
            inside += 1
            most = max(most, inside)
            try:
                return await super().ask(endpoint, question, timeout_seconds)
            finally:
                inside -= 1

    with started(ended, forsaken, environ={}, in_flight=512, timeout_seconds=60, open_client=Counting) as running:
        running.hand_over([asking() for _ in range(100)])
        wait_until(lambda: len(ended) == 100, deadline_seconds=60)
    assert {type(one.outcome) for one in ended} == {Tagged}
    assert most == calls.LOCAL_CALLS


def test_a_call_that_a_stop_cuts_off_is_released_and_told(ended: list[Ended], forsaken: list[Claimed]) -> None:
    with ModelServer() as server:
        server.play_always("hang")
        environ = {"AFTERTAG_ENDPOINT_PLAY_URL": server.url}
        with started(ended, forsaken, environ=environ, in_flight=4, timeout_seconds=30) as running:
            running.hand_over([asking(endpoint="play")])
            wait_until(lambda: server.play.total == 1, what="a call under way")
            running.stop(0)
    [one] = ended
    assert one.outcome == RELEASED
    assert one.call is not None
    assert (one.call.case, one.call.usage) == ("cut_off", None)


def test_stopping_finishes_or_releases_everything(running: Calls, ended: list[Ended]) -> None:
    running.hand_over([asking() for _ in range(200)])
    running.stop(0)
    assert len(ended) == 200
    assert {type(one.outcome) for one in ended} <= {Tagged, Waiting}
    assert all(one.outcome == RELEASED for one in ended if isinstance(one.outcome, Waiting))


def test_a_fault_of_ours_with_one_call_costs_its_neighbours_nothing(
    running: Calls, ended: list[Ended], forsaken: list[Claimed]
) -> None:
    running.hand_over([asking(endpoint="nobodys"), asking()])
    wait_until(lambda: ended and forsaken, deadline_seconds=60)
    assert isinstance(ended[0].outcome, Tagged)
    assert [one.endpoint for one in forsaken] == ["nobodys"]


def test_the_question_stays_out_of_the_repr() -> None:
    assert "yes it is" not in repr(asking())
