"""What a generation cost: as reported; else estimated, until somebody reports it; else unknown, and said so."""

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import Engine

from classifier_models import prices
from tests.worker import line_stage
from tests.worker.line_stage import NOW, record, rows, wire
from worker.line import Line

USED: dict[str, Any] = {
    "model": "gpt-4o",
    "provider": "openai",
    "usage": {"prompt": 900, "completion": 120, "cached": 700},
}
REPORTED = {"cost_usd": "0.5"}


def price(provider: str = "openai", **tokens: int) -> Decimal:
    used = {"prompt_tokens": 900, "completion_tokens": 120, "cached_tokens": 700} | tokens
    found = prices.estimate("gpt-4o", provider, at=NOW, **used)
    assert found
    return found


def costs(engine: Engine) -> list[Any]:
    return rows(engine, "select cost_usd, cost_source from generations order by created_at, id")


@pytest.fixture
def without_estimates(engine: Engine) -> Iterator[Line]:
    with line_stage.open_line(engine, estimate_cost="off") as staged:
        yield staged.line


def test_a_cost_that_nobody_reports_is_estimated_and_says_so(line: Line, engine: Engine) -> None:
    record(
        line,
        wire("1", **USED),
        wire("2", **USED, **REPORTED),
        wire("3", **USED | {"provider": "ollama"}),
        wire("4", **USED, cost_usd=0),
        wire("5"),
        wire("6", **USED, id_given=False),
    )
    assert costs(engine) == [
        (price(), "estimated"),
        (Decimal("0.5"), "reported"),
        (None, None),
        (Decimal(0), "reported"),
        (None, None),
        (price(), "estimated"),
    ]


def test_an_operator_with_prices_of_its_own_gets_no_estimates(without_estimates: Line, engine: Engine) -> None:
    record(without_estimates, wire("1", **USED), wire("2", model="gpt-4o"))
    record(without_estimates, wire("1", user="u-17"), wire("2", **USED))
    assert costs(engine) == [(None, None), (None, None)]
    record(without_estimates, wire("1", **REPORTED))
    assert costs(engine) == [(Decimal("0.5"), "reported"), (None, None)]


@pytest.mark.parametrize("in_one_batch", [True, False])
@pytest.mark.parametrize("reported_first", [True, False])
def test_a_reported_cost_beats_an_estimate_whichever_comes_first(
    line: Line, engine: Engine, reported_first: bool, in_one_batch: bool
) -> None:
    told = [wire("1", **USED, **REPORTED), wire("1", created_at=NOW - timedelta(seconds=3), **USED)]
    reports = told if reported_first else told[::-1]
    for batch in [reports] if in_one_batch else [[one] for one in reports]:
        record(line, *batch)
    assert costs(engine) == [(Decimal("0.5"), "reported")]


def test_the_first_cost_that_is_reported_stays(line: Line, engine: Engine) -> None:
    for cost_usd in (None, "0.5", "9", None):
        record(line, wire("1", cost_usd=cost_usd, **USED))
    assert costs(engine) == [(Decimal("0.5"), "reported")]


@pytest.mark.parametrize("in_one_batch", [True, False])
def test_what_an_estimate_needs_may_come_in_several_reports(line: Line, engine: Engine, in_one_batch: bool) -> None:
    reports = [wire("1", model="gpt-4o"), wire("1", usage=USED["usage"]), wire("1", provider="azure")]
    for batch in [reports] if in_one_batch else [[one] for one in reports]:
        record(line, *batch)
    assert costs(engine) == [(price("azure"), "estimated")]


def test_an_estimate_follows_what_later_reports_tell(line: Line, engine: Engine) -> None:
    record(line, wire("1", model="gpt-4o", usage={"prompt": 900, "completion": 120}))
    assert costs(engine) == [(price(cached_tokens=0), "estimated")]
    record(line, wire("1", usage={"cached": 700}))
    assert costs(engine) == [(price(), "estimated")]
    record(line, wire("1", provider="vllm"))
    assert costs(engine) == [(None, None)]


def test_a_report_that_changes_no_estimate_touches_no_row(line: Line, engine: Engine) -> None:
    record(line, wire("1", **USED))
    before = rows(engine, "select xmin::text, ctid::text from generations")
    record(line, wire("1", **USED), wire("1"))
    assert rows(engine, "select xmin::text, ctid::text from generations") == before


def test_a_call_of_48_hours_ago_keeps_its_own_estimate(line: Line, engine: Engine) -> None:
    record(line, wire("1", created_at=NOW - timedelta(hours=49), **USED))
    record(line, wire("1", **REPORTED))
    assert costs(engine) == [(price(), "estimated"), (Decimal("0.5"), "reported")]


def test_views_tell_what_is_estimated(line: Line, engine: Engine) -> None:
    record(line, wire("1", **USED), wire("2", **REPORTED), wire("3"))
    found = "select generation_id, cost_source from {} order by 1"
    assert rows(engine, found.format("spend")) == [("1", "estimated"), ("2", "reported"), ("3", "unknown")]
    with engine.begin() as connection:
        connection.exec_driver_sql("""update generations set tags = '{"department": "legal"}'""")
    assert rows(engine, found.format("generation_tags")) == [("1", "estimated"), ("2", "reported"), ("3", None)]
    summed = "select cost_source, sum(cost_usd) from spend group by 1 order by 1"
    assert rows(engine, summed) == [("estimated", price()), ("reported", Decimal("0.5")), ("unknown", None)]
