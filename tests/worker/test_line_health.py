"""Every rule of the line's health, at its edge and beyond."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
import redis

from worker import broker_state, line_health
from worker.broker_state import BrokerState
from worker.broker_transport.holding import HELD, HELD_INDEX
from worker.broker_transport.rejected import REJECTED_KEY
from worker.line_health import OVERDUE_SECONDS, RECORD_BATCHES, STANDSTILL_SECONDS, UNSWEPT_SECONDS, Health
from worker.store.line_state import LineState, Waiting

AT = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)
QUIET = BrokerState(depths={"record": 0})


def waiting(**given: Any) -> Waiting:
    row: dict[str, Any] = {
        "endpoint": "local",
        "pending": 1,
        "running": 0,
        "retrying": 0,
        "due": 1,
        "oldest_wait_seconds": 1.0,
    }
    return Waiting(**(row | {"for_operator": {}} | given))


def line(*rows: Waiting, completed_before: float | None = 1.0, **given: Any) -> LineState:
    found: dict[str, Any] = {"losses": {}, "set_aside": 0, "set_aside_today": 0, "spend_usd": Decimal(0), "calls": 0}
    last = None if completed_before is None else AT - timedelta(seconds=completed_before)
    return LineState(at=AT, waiting=rows, last_completion=last, **(found | given))


@pytest.mark.parametrize(
    ("state", "broker", "health"),
    [
        (line(completed_before=None), QUIET, Health.HEALTHY),
        (line(waiting(), completed_before=10_000), QUIET, Health.HEALTHY),
        (line(waiting(due=0, oldest_wait_seconds=None), completed_before=10_000), QUIET, Health.HEALTHY),
        (line(waiting(oldest_wait_seconds=OVERDUE_SECONDS)), QUIET, Health.HEALTHY),
        (line(waiting(oldest_wait_seconds=OVERDUE_SECONDS + 1)), QUIET, Health.OVERLOADED),
        (line(), BrokerState(depths={"record": RECORD_BATCHES}), Health.HEALTHY),
        (line(), BrokerState(depths={"record": RECORD_BATCHES + 1}), Health.OVERLOADED),
        (line(waiting(oldest_wait_seconds=61), completed_before=STANDSTILL_SECONDS), QUIET, Health.HEALTHY),
        (line(waiting(oldest_wait_seconds=61), completed_before=STANDSTILL_SECONDS + 1), QUIET, Health.DEGRADED),
        (line(waiting(oldest_wait_seconds=61), completed_before=None), QUIET, Health.DEGRADED),
        (line(waiting(due=0, oldest_wait_seconds=None, for_operator={"auth_failed": 2})), QUIET, Health.DEGRADED),
        (line(waiting(retrying=1), completed_before=STANDSTILL_SECONDS), QUIET, Health.HEALTHY),
        (line(waiting(retrying=1), completed_before=STANDSTILL_SECONDS + 1), QUIET, Health.DEGRADED),
        (line(losses={"broker_full": 3}), QUIET, Health.DEGRADED),
        (line(losses={"requests_too_large": 3}), QUIET, Health.DEGRADED),
        (line(losses={"no_generation": 3}), QUIET, Health.HEALTHY),
        (line(set_aside_today=1), QUIET, Health.DEGRADED),
        (line(set_aside=7), QUIET, Health.HEALTHY),
        (line(), BrokerState(depths={}, rejected=1), Health.DEGRADED),
        (line(), BrokerState(depths={}, problem="Redis does not answer (TimeoutError)."), Health.DEGRADED),
        (line(waiting(oldest_wait_seconds=400), losses={"broker_full": 3}), QUIET, Health.OVERLOADED),
        (line(), BrokerState(depths={}, workers=1, swept_seconds_ago=UNSWEPT_SECONDS), Health.HEALTHY),
        (line(), BrokerState(depths={}, workers=1, swept_seconds_ago=UNSWEPT_SECONDS + 1), Health.DEGRADED),
        (line(), BrokerState(depths={}, workers=1), Health.DEGRADED),
        (line(), BrokerState(depths={}, workers=0, swept_seconds_ago=1.0), Health.DEGRADED),
    ],
)
def test_each_rule_and_its_edge(state: LineState, broker: BrokerState, health: Health) -> None:
    verdict = line_health.judge(state, broker)
    assert verdict.health is health
    assert bool(verdict.because) is (health is not Health.HEALTHY)


def test_everything_that_is_wrong_is_said() -> None:
    row = waiting(endpoint="openai", oldest_wait_seconds=400, for_operator={"quota_exhausted": 2})
    verdict = line_health.judge(
        line(row, completed_before=None, losses={"buffer_full": 3, "requests_too_large": 2}), QUIET
    )
    assert len(verdict.because) == 5
    told = " ".join(verdict.because)
    for part in (
        "'openai'",
        "7 min",
        "nothing was completed yet",
        "quota_exhausted",
        "Lost today: 3 (buffer_full)",
        "may not be sent again: 2 (too_large)",
    ):
        assert part in told


@pytest.mark.parametrize(
    ("seconds", "told"), [(None, "-"), (45, "45 s"), (420, "7 min"), (11_520, "3.2 h"), (216_000, "2.5 days")]
)
def test_lengths_of_time_are_told_in_fitting_units(seconds: float | None, told: str) -> None:
    assert line_health.duration(seconds) == told


def test_depths_are_of_every_queue_of_the_line(redis_db_url: str) -> None:
    with broker_state.connect(redis_db_url) as client:
        client.rpush("record", "a", "b")
        client.rpush("classify.local", "a")
        client.rpush(REJECTED_KEY, "a", "b", "c")
        for consumer, messages in (("a", ["1", "2"]), ("b", ["3"])):
            client.rpush(f"{HELD}:{consumer}:record", *messages)
        client.zadd(HELD_INDEX, {f"{HELD}:a:record": 1, f"{HELD}:b:record": 2, f"{HELD}:b:sweep": 2})
        found = broker_state.look(client, endpoints=["local", "openai"], alive_seconds=30)
    assert found.depths == {"record": 2, "classify.local": 1, "classify.openai": 0, "sweep": 0, "upkeep": 0}
    assert (found.held, found.rejected, found.problem) == (3, 3, None)


def test_who_stamped_lately_is_a_worker_and_the_last_sweep_is_told(redis_db_url: str) -> None:
    with broker_state.connect(redis_db_url) as client:
        assert (before := broker_state.look(client, endpoints=(), alive_seconds=30)).workers == 0
        assert before.swept_seconds_ago is None
        now = client.time()[0]
        stamps = {
            f"{HELD}:a:record": now,
            f"{HELD}:a:sweep": now,
            f"{HELD}:b:record": now - 29,
            f"{HELD}:c:record": now - 40,
        }
        client.zadd(HELD_INDEX, stamps)
        broker_state.note_sweep(client)
        found = broker_state.look(client, endpoints=(), alive_seconds=30)
    assert found.workers == 2
    assert found.swept_seconds_ago is not None
    assert found.swept_seconds_ago < 60


def test_the_key_of_held_messages_is_the_channels() -> None:
    assert broker_state.HELD_INDEX == HELD_INDEX


def test_a_redis_that_is_away_is_a_problem_and_no_exception() -> None:
    with redis.Redis(port=1) as client:
        assert (
            broker_state.look(client, endpoints=(), alive_seconds=30).problem
            == "Redis does not answer (ConnectionError)."
        )
