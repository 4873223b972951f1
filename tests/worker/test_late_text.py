"""A call that is first reported without its text: classifiers are asked when a report brings it, and not before."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, text

from api_hooks.wire import NOT_CAPTURED
from tests.worker import line_stage
from tests.worker.line_stage import NOW, Staged, count, record, rows, wire
from tests.worker.test_recording_once import at_once
from worker.line import Line

WITHOUT: dict[str, Any] = {"turns": [], "source_rate": 0.0, "metadata": {"text": NOT_CAPTURED, "team": "red"}}
KEPT_BY_ITS_SENDER: dict[str, Any] = {"turns": [], "source_rate": 0.0, "source_draw": 0.4}


def standing(engine: Engine) -> list[Any]:
    return rows(engine, "select (state, reason, rate)::text from classifications order by generation_id")


@pytest.mark.parametrize("in_one_batch", [True, False])
def test_the_report_that_brings_the_text_has_the_call_asked_about(
    staged: Staged, engine: Engine, in_one_batch: bool
) -> None:
    line_stage.classifier(engine)
    first, second = wire("1", **WITHOUT), wire("1", created_at=NOW + timedelta(seconds=3))
    if in_one_batch:
        assert record(staged.line, first, second).known == 1
    else:
        record(staged.line, first)
        assert standing(engine) == ["(not_run,sampled_out,0)"]
        assert staged.bells == []
        assert record(staged.line, second).known == 1
    assert standing(engine) == ["(pending,,1)"]
    assert [key for _, key in staged.bells] == [("acme", "1", NOW)]
    assert rows(
        engine,
        "select jsonb_array_length(turns) from transcripts where created_at = (select created_at from generations)",
    ) == [2]
    assert rows(engine, "select metadata from generations") == [{"team": "red"}]


def test_the_text_that_came_once_is_not_asked_about_again(staged: Staged, engine: Engine) -> None:
    line_stage.classifier(engine)
    record(staged.line, wire("1", **WITHOUT))
    record(staged.line, wire("1"))
    before = rows(engine, "select (xmin, ctid)::text from classifications")
    record(staged.line, wire("1", turns=[["user", "Another text.", None, None]]), wire("1", **WITHOUT))
    assert rows(engine, "select (xmin, ctid)::text from classifications") == before
    assert len(staged.bells) == 1


def test_a_text_that_its_sender_sampled_out_stays_out(staged: Staged, engine: Engine) -> None:
    line_stage.classifier(engine)
    record(staged.line, wire("1", **KEPT_BY_ITS_SENDER))
    record(staged.line, wire("1"))
    assert standing(engine) == ["(not_run,sampled_out,0)"]
    assert count(engine, "transcripts") == 0


def test_the_text_is_sampled_and_filtered_like_any(staged: Staged, engine: Engine) -> None:
    line_stage.classifier(engine, sampling_rate=0.0)
    record(staged.line, wire("1", **WITHOUT))
    record(staged.line, wire("1"))
    [one] = rows(engine, "select (reason, draw < 1)::text from classifications")
    assert one == "(sampled_out,t)"
    assert staged.bells == []


def test_a_call_of_our_own_is_not_taken_up(staged: Staged, engine: Engine) -> None:
    line_stage.classifier(engine)
    record(staged.line, wire("1", **WITHOUT))
    record(staged.line, wire("1", own_call=line_stage.mark(engine)))
    assert standing(engine) == ["(not_run,sampled_out,0)"]


def test_a_call_of_another_installations_classifier_is_never_asked_about(staged: Staged, engine: Engine) -> None:
    line_stage.classifier(engine)
    record(staged.line, wire("1", **WITHOUT))
    record(staged.line, wire("1", own_call="another"))
    assert rows(engine, "select state, reason from classifications") == [("not_run", "unproven_own_call")]
    assert staged.bells == []


@pytest.mark.parametrize("in_one_batch", [True, False])
def test_the_text_is_kept_also_where_there_is_no_classifier(staged: Staged, engine: Engine, in_one_batch: bool) -> None:
    reports = [wire("1", **WITHOUT), wire("1", created_at=NOW + timedelta(seconds=3)), wire("1", **WITHOUT)]
    for part in [reports] if in_one_batch else [[one] for one in reports]:
        record(staged.line, *part)
    assert standing(engine) == ["(not_run,no_classifier,)"]
    assert rows(engine, "select created_at from transcripts") == [NOW]
    assert rows(engine, "select metadata from generations") == [{"team": "red"}]
    before = rows(engine, "select (xmin, ctid)::text from classifications")
    record(staged.line, wire("1", turns=[["user", "Another text.", None, None]]))
    assert rows(engine, "select (xmin, ctid)::text from classifications") == before


def test_where_a_workspace_keeps_no_text_the_mark_goes_all_the_same(staged: Staged, engine: Engine) -> None:
    record(staged.line, wire("1", **WITHOUT))
    with engine.begin() as connection:
        connection.execute(text("update workspaces set keep_text_days = 0"))
    record(staged.line, wire("1"))
    assert count(engine, "transcripts") == 0
    assert rows(engine, "select metadata from generations") == [{"team": "red"}]


def test_a_classifier_that_filters_the_call_out_keeps_no_other_from_its_text(staged: Staged, engine: Engine) -> None:
    line_stage.classifier(engine)
    line_stage.classifier(engine, "other", dimension="mood", filters={"apps": ["another"]})
    record(staged.line, wire("1", **WITHOUT))
    record(staged.line, wire("1"))
    assert sorted(standing(engine)) == ["(not_run,filtered_out,1)", "(pending,,1)"]
    assert count(engine, "transcripts") == 1


def test_a_record_with_text_is_not_marked_by_a_report_without(staged: Staged, engine: Engine) -> None:
    record(staged.line, wire("1", metadata={"team": "blue"}))
    record(staged.line, wire("1", **{**WITHOUT, "metadata": {"text": NOT_CAPTURED, "more": "x"}}))
    assert rows(engine, "select metadata from generations") == [{"team": "blue", "more": "x"}]
    before = rows(engine, "select (xmin, ctid)::text from generations")
    record(staged.line, wire("1", **WITHOUT))
    assert rows(engine, "select (xmin, ctid)::text from generations") == before


def test_many_at_once_ask_once(line: Line, engine: Engine) -> None:
    line_stage.classifier(engine)
    ids = [str(number) for number in range(40)]

    def report(number: int) -> Any:
        ordered = ids if number % 2 else ids[::-1]
        return record(line, *[wire(id_, **(WITHOUT if number < 2 else {})) for id_ in ordered])

    at_once(report, threads=6)
    assert set(standing(engine)) == {"(pending,,1)"}
    assert (count(engine, "classifications"), count(engine, "transcripts")) == (40, 40)
