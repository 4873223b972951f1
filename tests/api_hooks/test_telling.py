"""What the log is told: one line a minute, whatever happens, with all that happened since."""

import logging

import pytest

from api_hooks.breaker import Breaker
from api_hooks.losses import WITHHELD, Losses
from api_hooks.telling import Telling
from tests.clock import Clock


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def losses() -> Losses:
    return Losses()


@pytest.fixture
def telling(losses: Losses, clock: Clock) -> Telling:
    return Telling(losses=losses, clock=clock)


def test_a_line_a_minute_tells_all_that_was_lost_since(
    telling: Telling, losses: Losses, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    losses.count("buffer_full", 3)
    telling.tell(is_failing=False)
    for _ in range(59):
        losses.count("buffer_full")
        clock.now += 1
        telling.tell(is_failing=True)
    assert len(caplog.messages) == 1
    clock.now += 1
    losses.count("too_large")
    telling.tell(is_failing=False)
    first, second = caplog.messages
    assert first.startswith("Generations were dropped: 3 buffer_full (more came than could be sent;")
    assert "59 buffer_full" in second
    assert "1 too_large" in second


def test_one_line_has_room_for_losses_withheld_texts_and_a_failing_way_out(
    telling: Telling, losses: Losses, caplog: pytest.LogCaptureFixture
) -> None:
    losses.count("refused", 2)
    losses.count(WITHHELD, 5)
    telling.refusal = "HTTP 404"
    telling.redact_problem = "KeyError"
    telling.send_problem = "HTTP 503"
    telling.tell(is_failing=True)
    [line] = caplog.messages
    assert "2 refused" in line
    assert "The server's answer was HTTP 404." in line
    assert "Texts were withheld: 5; redact failed, the last time with KeyError." in line
    assert "Generations wait: sending them fails with HTTP 503; it is tried again." in line


def test_where_nothing_is_lost_and_nothing_fails_nothing_is_told(
    telling: Telling, caplog: pytest.LogCaptureFixture
) -> None:
    assert telling.due_at is None
    with caplog.at_level(logging.DEBUG):
        telling.tell(is_failing=False)
    assert caplog.messages == []


def test_what_the_other_side_asks_for_is_waited_for_also_when_somebody_is_in_a_hurry(clock: Clock) -> None:
    breaker = Breaker(clock=clock)
    breaker.failed(wait_seconds=30)
    breaker.try_now()
    assert breaker.seconds_to_wait == 30
    clock.now += 30
    assert breaker.seconds_to_wait == 0
    breaker.failed()
    assert 0 < breaker.seconds_to_wait <= 5
    breaker.try_now()
    assert breaker.seconds_to_wait == 0
