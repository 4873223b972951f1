from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from sqlalchemy import Connection, text

from tests.worker import line_rows
from tests.worker.line_rows import NOW
from worker.store import engine as engines
from worker.store import line_state

LONG_AGO = NOW - timedelta(days=20)


@pytest.fixture
def connection(database_url: str) -> Iterator[Connection]:
    engine = engines.connect(database_url)
    line_rows.days(engine, LONG_AGO, NOW - timedelta(days=1))
    with engine.begin() as connection:
        line_rows.workspace(connection, "acme")
        yield connection
    engine.dispose()


def minutes_ago(minutes: float) -> datetime:
    return datetime.now(UTC) - timedelta(minutes=minutes)


def test_an_empty_line_has_nothing_to_tell(connection: Connection) -> None:
    found = line_state.look(connection)
    assert (found.waiting, found.unfinished, found.due, found.oldest_wait_seconds) == ((), 0, 0, None)
    assert (found.last_completion, found.seconds_since_completion) == (None, None)
    assert (found.losses, found.set_aside, found.spend_usd, found.calls) == ({}, 0, Decimal(0), 0)


def test_unfinished_rows_are_counted_by_endpoint_whatever_their_day(connection: Connection) -> None:
    rows = [
        ("1", "pending", {"due_at": minutes_ago(2), "created_at": LONG_AGO}),
        ("2", "pending", {"due_at": minutes_ago(-2)}),
        ("3", "retrying", {"due_at": minutes_ago(-2)}),
        ("4", "running", {}),
        ("5", "pending", {"endpoint": "openai", "reason": "auth_failed", "due_at": minutes_ago(-1)}),
        ("6", "tagged", {}),
        ("7", "not_run", {"reason": "sampled_out"}),
    ]
    for id_, state, columns in rows:
        line_rows.classification(connection, "acme", id_, state, **columns)  # type: ignore[arg-type]
    found = line_state.look(connection)
    local, openai = found.waiting
    assert (local.endpoint, local.pending, local.running, local.retrying, local.due) == ("local", 2, 1, 1, 1)
    assert local.oldest_wait_seconds == pytest.approx(120, abs=20)
    assert (openai.pending, openai.due, openai.oldest_wait_seconds) == (1, 0, None)
    assert found.for_operator == {("openai", "auth_failed"): 1}
    assert (found.unfinished, found.due) == (5, 1)
    assert found.oldest_wait_seconds == local.oldest_wait_seconds


def test_the_last_completion_is_one_that_was_asked_about(connection: Connection) -> None:
    line_rows.classification(connection, "acme", "1", "tagged", finished_at=minutes_ago(9))
    line_rows.classification(connection, "acme", "2", "failed", reason="refused", finished_at=minutes_ago(5))
    line_rows.classification(connection, "acme", "3", "not_run", reason="sampled_out", finished_at=minutes_ago(1))
    assert line_state.look(connection).seconds_since_completion == pytest.approx(300, abs=20)


def test_a_completion_of_an_old_day_is_seen_while_something_waits_of_that_day(connection: Connection) -> None:
    line_rows.classification(connection, "acme", "1", "tagged", created_at=LONG_AGO)
    assert line_state.look(connection).last_completion is None
    line_rows.classification(connection, "acme", "2", "pending", created_at=LONG_AGO)
    assert line_state.look(connection).seconds_since_completion == pytest.approx(0, abs=20)


def test_losses_spend_and_what_is_set_aside_are_todays(connection: Connection) -> None:
    classifier = line_rows.classifier(connection, "acme")
    today = connection.execute(text("select (now() at time zone 'utc')::date")).scalar_one()
    for day, amount in ((today, 3), (today - timedelta(days=1), 5)):
        connection.execute(
            text("insert into losses values (:day, 'buffer_full', :amount)"), {"day": day, "amount": amount}
        )
        connection.execute(
            text("insert into classifier_spend values (:id, :day, :amount, :amount)"),
            {"id": classifier, "day": day, "amount": amount},
        )
    connection.execute(
        text("""
        insert into set_aside (source, queue, error, body, size_bytes, set_aside_at, replayed_at) values
        ('broker', 'record', 'No.', '', 0, now(), null), ('broker', 'record', 'No.', '', 0, now() - interval '2 days', null),
        ('broker', 'record', 'No.', '', 0, now(), now())
        """)
    )
    found = line_state.look(connection)
    assert (found.losses, found.spend_usd, found.calls) == ({"buffer_full": 3}, Decimal(3), 3)
    assert (found.set_aside, found.set_aside_today) == (2, 1)
