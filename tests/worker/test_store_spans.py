"""Spans of days: together they hold every day that is asked for, and none holds more than twenty that exist."""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as some

from worker.store import spans
from worker.store.spans import DAYS_IN_A_SPAN, Span

FIRST = date(2020, 1, 1)
places = some.sets(some.integers(0, 200), max_size=60)


def days_at(numbers: set[int]) -> list[date]:
    return [FIRST + timedelta(days=number) for number in sorted(numbers)]


@given(existing=places, wanted=places)
def test_spans_hold_all_wanted_days_that_exist_and_few_others(existing: set[int], wanted: set[int]) -> None:
    there, asked = days_at(existing), set(days_at(wanted))
    found = spans.over(there, asked)
    assert found == sorted(found)
    held = [[day for day in there if span.first <= day <= span.last] for span in found]
    assert {day for days in held for day in days} >= asked & set(there)
    for span, days in zip(found, held, strict=True):
        assert len(days) <= DAYS_IN_A_SPAN
        assert {span.first, span.last} <= asked
    assert all(former.last < latter.first for former, latter in pairwise(found))


@given(ages=some.lists(some.integers(0, 400), max_size=60))
def test_what_is_grouped_is_all_there_once_and_each_part_within_twenty_days(ages: list[int]) -> None:
    noon = datetime(2026, 1, 1, 12, tzinfo=UTC)
    moments = [noon - timedelta(days=age) for age in ages]
    parts = list(spans.grouped(moments, lambda moment: moment))
    assert sorted(moment for part in parts for moment in part) == sorted(moments)
    assert all(max(part) - min(part) < timedelta(days=DAYS_IN_A_SPAN) for part in parts if part)


def test_what_is_within_twenty_days_stays_as_it_is() -> None:
    unsorted = [datetime(2026, 1, day, tzinfo=UTC) for day in (9, 2, 20)]
    assert list(spans.grouped(unsorted, lambda moment: moment)) == [unsorted]
    assert [len(part) for part in spans.grouped([*unsorted, datetime(2026, 1, 22, tzinfo=UTC)], lambda at: at)] == [
        3,
        1,
    ]


@pytest.mark.parametrize("last", [FIRST, FIRST + timedelta(days=3)])
def test_a_spans_bounds_are_the_first_moment_and_the_one_after_the_last(last: date) -> None:
    bounds = Span(first=FIRST, last=last).bounds
    assert bounds["earliest"] == datetime(2020, 1, 1, tzinfo=UTC)
    assert bounds["latest"] - bounds["earliest"] == timedelta(days=(last - FIRST).days + 1)
