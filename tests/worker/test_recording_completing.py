"""One call, reported more than once: blanks of its record are filled, and what stands there stays."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import Engine

from tests.worker import line_stage
from tests.worker.line_stage import NOW, count, record, rows, wire
from tests.worker.test_recording_once import at_once
from worker.line import Line

BARE: dict[str, Any] = {"turns": [], "usage": {}, "metadata": {}}
FULL: dict[str, Any] = {
    "model": "gpt-5-mini",
    "user": "u-17",
    "cost_usd": "0.5",
    "usage": {"prompt": 7},
    "metadata": {"team": "red"},
}


def found(engine: Engine, columns: str = "model, user_id, cost_usd, prompt_tokens, metadata") -> list[Any]:
    return rows(engine, f"select ({columns})::text from generations order by id")  # noqa: S608 - of this test


@pytest.mark.parametrize("in_one_batch", [True, False])
def test_a_second_report_of_a_call_fills_what_the_first_left_blank(
    line: Line, engine: Engine, in_one_batch: bool
) -> None:
    first, second = wire("1", **BARE), wire("1", created_at=NOW - timedelta(seconds=3), **FULL)
    if in_one_batch:
        assert record(line, first, second).known == 1
    else:
        record(line, first)
        assert record(line, second).known == 1
    assert count(engine, "generations") == 1
    assert found(engine) == ['(gpt-5-mini,u-17,0.500000000000,7,"{""team"": ""red""}")']


def test_what_the_first_report_said_stays(line: Line, engine: Engine) -> None:
    record(line, wire("1", **FULL))
    other = {"model": "other", "user": "other", "cost_usd": "9", "usage": {"prompt": 1, "cached": 2}}
    record(line, wire("1", metadata={"team": "blue", "more": "x"}, **other))
    assert found(engine) == ['(gpt-5-mini,u-17,0.500000000000,7,"{""more"": ""x"", ""team"": ""red""}")']
    assert rows(engine, "select cached_tokens from generations") == [2]


def test_a_report_that_adds_nothing_touches_no_row(line: Line, engine: Engine) -> None:
    record(line, wire("1", **FULL))
    before = found(engine, "xmin, ctid")
    record(line, wire("1", **FULL), wire("1", **BARE))
    assert found(engine, "xmin, ctid") == before


def test_an_id_of_the_hooks_own_making_and_another_workspaces_fill_nothing(line: Line, engine: Engine) -> None:
    record(line, wire("1", **BARE), wire("2", id_given=False, **BARE))
    record(line, wire("1", workspace="beta", **FULL), wire("2", id_given=False, **FULL))
    assert rows(engine, "select cost_usd from generations where workspace = 'acme'") == [None, None]


def test_a_call_of_more_than_48_hours_ago_is_another(line: Line, engine: Engine) -> None:
    record(line, wire("1", created_at=NOW - timedelta(hours=49), **BARE))
    record(line, wire("1", **FULL))
    assert rows(engine, "select cost_usd from generations order by created_at") == [None, Decimal("0.5")]


def test_many_reports_at_once_of_the_same_calls_never_deadlock(line: Line, engine: Engine) -> None:
    line_stage.classifier(engine)
    ids = [str(number) for number in range(40)]

    def report(number: int) -> Any:
        ordered = ids if number % 2 else ids[::-1]
        return record(line, *[wire(id_, **BARE | {"metadata": {f"from {number}": "x"}}) for id_ in ordered])

    at_once(report, threads=6)
    assert count(engine, "generations") == 40
    assert set(rows(engine, "select (select count(*) from jsonb_object_keys(metadata)) from generations")) == {6}
