"""Feedback of a batch: once each however often delivered, by its workspace's rule for text, never lost with its neighbours."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, text

from tests.worker.line_stage import NOW, count, record, rows, wire
from worker import feedback, generation
from worker.line import Line
from worker.store import set_aside, workspaces

OF_ALL = "select workspace, id, generation_id, score, comment, user_id, metadata from feedback order by 1, 2"


def given(id_: str = "f", **fields: Any) -> dict[str, Any]:
    """Feedback as the hook sends it."""
    return {
        "id": id_,
        "workspace": "acme",
        "generation_id": "g",
        "created_at": NOW.isoformat(),
        "score": 1,
        "comment": "Thanks!",
        "user": "ann",
        "metadata": {"where": "chat"},
        **fields,
    }


def test_feedback_is_recorded_also_before_its_generation(line: Line, engine: Engine) -> None:
    record(line, feedback=[given()])
    assert rows(engine, OF_ALL) == [("acme", "f", "g", 1.0, "Thanks!", "ann", {"where": "chat"})]
    assert rows(engine, "select id from workspaces") == ["acme"]


def test_the_same_feedback_again_changes_nothing_also_when_its_time_moved(line: Line, engine: Engine) -> None:
    later = NOW + timedelta(hours=1)
    record(line, feedback=[given(), given(), given("g", score=0)])
    record(line, feedback=[given(score=-1), given(created_at=later.isoformat(), score=-1)])
    record(line, feedback=[given(workspace="other")])
    assert [(row[0], row[1], row[3]) for row in rows(engine, OF_ALL)] == [
        ("acme", "f", 1.0),
        ("acme", "g", 0.0),
        ("other", "f", 1.0),
    ]


def test_of_one_id_twice_in_a_batch_the_first_stands(line: Line, engine: Engine) -> None:
    def moved(hours: int, score: int) -> dict[str, Any]:
        return given(created_at=(NOW - timedelta(hours=hours)).isoformat(), score=score)

    record(line, feedback=[moved(1, score=1), moved(2, score=-1), moved(49, score=0), moved(50, score=-1)])
    assert rows(engine, "select score from feedback order by created_at") == [-1.0, 1.0]


def test_what_postgres_refuses_is_set_aside_alone(line: Line, engine: Engine) -> None:
    with engine.begin() as connection:
        connection.execute(text("alter table feedback add constraint no_zero check (score <> 0)"))
    record(line, feedback=[given(str(number), score=0 if number == 70 else 1) for number in range(130)])
    assert count(engine, "feedback") == 129
    assert rows(engine, "select workspace, error from set_aside") == [("acme", "Postgres refused it: CheckViolation")]


def test_a_workspace_that_keeps_no_text_keeps_no_comment(line: Line, engine: Engine) -> None:
    with engine.begin() as connection:
        workspaces.create(connection, "acme", keep_text_days=0)
    record(line, feedback=[given()])
    assert rows(engine, "select score, comment from feedback") == [(1.0, None)]


def test_what_is_no_feedback_is_set_aside_and_its_neighbours_are_recorded(line: Line, engine: Engine) -> None:
    found = record(line, wire("g"), feedback=[given(score=float("inf")), "none", given()])
    assert len(found.new) == 1
    assert count(engine, "feedback") == 1
    with engine.connect() as connection:
        aside = set_aside.newest(connection)
    assert sorted(one.error.split(":")[0] for one in aside) == ["feedback", "score"]
    assert {one.workspace for one in aside} == {"acme", None}


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"workspace": None}, "workspace: "),
        ({"generation_id": ""}, "generation_id: "),
        ({"score": 10**7}, "score: "),
        ({"comment": "x" * 5_001}, "comment: "),
        ({"created_at": "2001-01-01T00:00:00+00:00"}, "created_at: 2001-01-01 is implausible"),
        ({"created_at": "2026-11-24T00:00:00"}, "created_at: Value error, needs a time zone"),
    ],
)
def test_what_cannot_be_feedback_is_told_by_its_field_without_a_word_of_it(
    fields: dict[str, Any], problem: str
) -> None:
    with pytest.raises(generation.Unacceptable) as raised:
        feedback.read(given(**fields), now=NOW, past=timedelta(days=30))
    assert str(raised.value).startswith(problem)
    assert "Thanks" not in str(raised.value)


def test_what_postgres_cannot_store_in_a_comment_becomes_a_sign(line: Line, engine: Engine) -> None:
    record(line, feedback=[given(comment="a\x00b\ud800c")])
    assert rows(engine, "select comment from feedback") == ["a\ufffdb\ufffdc"]


def test_the_comment_stays_out_of_a_repr() -> None:
    assert "Thanks" not in repr(feedback.read(given(), now=NOW, past=timedelta(days=30)))
