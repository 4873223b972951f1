"""Which days a sweep looks into: those about today always, older ones while something is unfinished on them."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from sqlalchemy import Engine, text

from tests.worker import line_rows
from worker.open_days import LOOKING_SHARE, LOOKS_WITHIN_SECONDS, OpenDays
from worker.store import partitions
from worker.store.spans import Span

NOW = datetime.now(UTC)
TODAY = NOW.date()
OLD = NOW - timedelta(days=40)


class Clock:
    """Seconds that pass when the test says so, and one with every look."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        self.seconds += 0.5
        return self.seconds


@pytest.fixture
def days(engine: Engine) -> Engine:
    partitions.make(engine, [TODAY - timedelta(days=age) for age in range(-1, 60)])
    return engine


def unfinished(engine: Engine, state: str) -> None:
    with engine.begin() as connection:
        line_rows.workspace(connection, "acme")
        line_rows.classification(connection, "acme", "g", state, created_at=OLD, classifier=uuid4())


@pytest.mark.parametrize("state", ["pending", "retrying", "running"])
def test_an_old_day_is_looked_into_while_something_is_unfinished_on_it(days: Engine, state: str) -> None:
    recent = Span(first=TODAY - timedelta(days=2), last=TODAY + timedelta(days=1))
    clock = Clock()
    open_days = OpenDays(clock=clock)
    assert open_days.spans(days, today=TODAY) == [recent]
    unfinished(days, state)
    assert open_days.spans(days, today=TODAY) == [recent]  # it was just looked through
    clock.seconds += 0.5 / LOOKING_SHARE
    assert open_days.spans(days, today=TODAY) == [Span(first=OLD.date(), last=OLD.date()), recent]
    with days.begin() as connection:
        connection.execute(text("update classifications set state = 'tagged'"))
    clock.seconds += LOOKS_WITHIN_SECONDS
    assert open_days.spans(days, today=TODAY) == [recent]


def test_a_look_that_took_long_is_repeated_within_half_a_minute(days: Engine) -> None:
    clock = Clock()
    open_days = OpenDays(clock=lambda: clock() * 100)  # as if each look took 50 s
    open_days.spans(days, today=TODAY)
    unfinished(days, "pending")
    clock.seconds += LOOKS_WITHIN_SECONDS / 100
    assert len(open_days.spans(days, today=TODAY)) == 2
