"""What calls cost: every one of them, retries and late answers too, on its classification and on its payer."""

from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Engine, text

from tests.worker import asking, line_stage
from tests.worker.asking import call, tagged
from tests.worker.line_stage import NOW, record, rows, wire
from worker.line import Line
from worker.outcomes import Call, Failed, Retry, Waiting
from worker.store import budgets, outcomes
from worker.store.outcomes import Ended
from worker.store.recording import Key

KEY: Key = ("acme", "1", NOW)


@pytest.fixture
def recorded(line: Line, engine: Engine) -> UUID:
    asked = line_stage.classifier(engine, member="grace")
    record(line, wire("1", app="shop", model="big", cost_usd=0.5, usage={"prompt": 3, "completion": 4}))
    return asked.id


def calls(engine: Engine, *made: Call) -> None:
    """One classification with these calls: all but the last are retried."""
    for one in made[:-1]:
        asking.write(engine, asking.claim(engine, [KEY]), Retry(after_seconds=0), one)
    asking.write(engine, asking.claim(engine, [KEY]), tagged(department="legal"), made[-1])


def test_every_call_is_accounted_retries_included(recorded: UUID, engine: Engine) -> None:
    calls(engine, call("0.01", case="timeout"), call("0.02", case="unreadable"), call("0.04"))
    assert rows(
        engine,
        """
        select attempts, cost_usd::float8, cost_source, prompt_tokens, completion_tokens, cached_tokens, reasoning_tokens
        from classifications
        """,
    ) == [(3, 0.07, "reported", 30, 30, 30, 30)]
    assert rows(engine, "select classifier_id, cost_usd::float8, calls from classifier_spend") == [(recorded, 0.07, 3)]
    with engine.connect() as connection:
        [standing] = budgets.standing_of(connection, [recorded]).values()
    assert (standing.state, float(standing.spent_usd)) == ("active", 0.07)


@pytest.mark.parametrize(
    ("made", "cost_usd", "source"),
    [
        ([call("0.01")], 0.01, "reported"),
        ([call("0.01", source="estimated")], 0.01, "estimated"),
        ([call(None, source="unknown")], None, "unknown"),
        ([call("0.01"), call("0.01", source="estimated")], 0.02, "estimated"),
        ([call("0.01", source="estimated"), call("0.01")], 0.02, "estimated"),
        ([call("0.01"), call(None, source="unknown")], 0.01, "unknown"),
        ([call(None, source="unknown"), call("0.01")], 0.01, "unknown"),
        ([call(None, source="unknown"), call("0.01", source="estimated")], 0.01, "unknown"),
        ([call(case="unreachable", usage=None), call("0.01")], 0.01, "reported"),
        ([call(usage=None)], None, "unknown"),
    ],
)
def test_a_sum_is_no_better_known_than_its_worst_known_part(
    recorded: UUID, engine: Engine, made: list[Call], cost_usd: float | None, source: str
) -> None:
    calls(engine, *made)
    assert rows(engine, "select cost_usd::float8, cost_source from classifications") == [(cost_usd, source)]


def test_a_try_that_never_reached_a_model_costs_nothing(recorded: UUID, engine: Engine) -> None:
    asking.write(
        engine, asking.claim(engine, [KEY]), Failed(reason="provider_unreachable"), call(case="unreachable", usage=None)
    )
    assert rows(engine, "select attempts, cost_usd, cost_source from classifications") == [(1, None, None)]


def test_a_call_that_waits_for_the_operator_is_no_attempt_and_its_cost_is_kept(recorded: UUID, engine: Engine) -> None:
    waiting = Waiting(reason="quota_exhausted", after_seconds=0)
    asking.write(engine, asking.claim(engine, [KEY]), waiting, call("0.01", case="out_of_credit"))
    assert rows(engine, "select state, attempts, cost_usd::float8 from classifications") == [("pending", 0, 0.01)]


def test_a_classification_is_billed_to_the_member_who_configured_its_classifier(recorded: UUID, engine: Engine) -> None:
    calls(engine, call("0.01"))
    assert rows(engine, "select m.name from classifications c join members m on m.id = c.billed_to") == ["grace"]


def spend(engine: Engine, columns: str) -> list[Any]:
    return rows(engine, f"select {columns} from spend order by payer_kind, created_at")  # noqa: S608 - our own columns


def test_spend_has_a_line_for_every_call_of_applications_and_classifiers_alike(recorded: UUID, engine: Engine) -> None:
    calls(engine, call("0.01", tokens=5, case="timeout"), call(None, source="unknown", tokens=6, model="m-2"))
    columns = "payer_kind, payer, generation_id, classifier, model, call_case, prompt_tokens, completion_tokens"
    assert spend(engine, f"{columns}, cached_tokens, cost_usd::float8, cost_source") == [
        ("application", "shop", "1", None, "big", None, 3, 4, None, 0.5, "reported"),
        ("classifier", "grace", "1", "work", "m-1", "timeout", 5, 5, 5, 0.01, "reported"),
        ("classifier", "grace", "1", "work", "m-2", None, 6, 6, 6, None, "unknown"),
    ]


def test_a_call_stands_in_spend_at_its_own_time(recorded: UUID, engine: Engine) -> None:
    calls(engine, call("0.01", case="timeout"), call("0.02"))
    [_, first, second] = spend(engine, "created_at")
    assert rows(engine, "select finished_at from classifications") == [second]
    assert NOW <= first < second


def test_a_call_that_waits_and_a_late_one_stand_in_spend(recorded: UUID, engine: Engine) -> None:
    waiting = Waiting(reason="quota_exhausted", after_seconds=0)
    asking.write(engine, asking.claim(engine, [KEY]), waiting, call("0.01", case="out_of_credit"))
    late = asking.claim(engine, [KEY])
    asking.end_leases(engine)
    assert asking.write(engine, late, waiting, call("0.02", case="out_of_credit", latency_ms=3.5)) == []
    assert spend(engine, "call_case, cost_usd::float8")[1:] == [("out_of_credit", 0.01), ("out_of_credit", 0.02)]
    assert rows(engine, "select attempts, cost_usd::float8, calls -> 1 ->> 'latency_ms' from classifications") == [
        (0, 0.03, "3.5")
    ]


def test_the_lines_of_spend_add_up_to_the_sums_on_the_classification(recorded: UUID, engine: Engine) -> None:
    calls(engine, call("0.01", case="timeout"), call("0.02", case="unreadable"), call("0.04"))
    sums = "sum(prompt_tokens), sum(completion_tokens), sum(cached_tokens), sum(cost_usd)"
    assert rows(engine, f"select {sums}, count(*) from spend where payer_kind = 'classifier'") == rows(  # noqa: S608
        engine,
        f"select {sums}, sum(attempts) from classifications",  # noqa: S608 - our own columns
    )


def test_who_was_never_asked_stands_in_no_line_of_spend(line: Line, engine: Engine) -> None:
    line_stage.classifier(engine)
    record(line, wire("1"))
    assert spend(engine, "payer_kind") == ["application"]


def test_what_a_classifier_asked_yesterday_does_not_count_today(recorded: UUID, engine: Engine) -> None:
    calls(engine, call("0.01"))
    with engine.begin() as connection:
        connection.execute(text("update classifier_spend set day = day - 1"))
        assert [float(one.spent_usd) for one in budgets.standing_of(connection, [recorded]).values()] == [0.0]


@pytest.mark.parametrize("late_first", [True, False])
def test_a_late_and_a_current_answer_in_one_batch_both_keep_their_cost(
    recorded: UUID, engine: Engine, late_first: bool
) -> None:
    (lost,) = asking.claim(engine, [KEY])
    asking.end_leases(engine)
    (held,) = asking.claim(engine, [KEY])
    late = Ended(claimed=lost, outcome=tagged(department="late"), call=call("0.50"))
    current = Ended(claimed=held, outcome=tagged(department="legal"), call=call("0.01"))
    with engine.begin() as connection:
        assert outcomes.write(connection, [late, current] if late_first else [current, late]) == [current]
    found = "select tags->>'department', cost_usd::float8, attempts, jsonb_array_length(calls) from classifications"
    assert rows(engine, found) == [("legal", 0.51, 2, 2)]
