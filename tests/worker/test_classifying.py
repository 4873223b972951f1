"""Classifying with the built-in model: what is claimed is asked about or has its reason, and one cannot hold another."""

from uuid import UUID

import pytest
from sqlalchemy import Engine, text

from tests.waiting import wait_until
from tests.worker import line_stage
from tests.worker.classifier_samples import definition
from tests.worker.line_stage import NOW, Bells, record, rows, wire
from worker import classifying
from worker.line import Line
from worker.store import classifiers
from worker.store.recording import Key
from worker.versions import VERSIONS_KEPT, Versions


def classify(line: Line, *ids: str, workspace: str = "acme") -> None:
    """Ring for these, and wait until everything claimed is written."""
    keys: list[Key] = [(workspace, id_, NOW) for id_ in ids]
    classifying.classify(line, "local", keys)
    wait_until(lambda: line.room.inside == 0, deadline_seconds=60)


def ends(engine: Engine) -> list[object]:
    return rows(engine, "select generation_id, coalesce(reason, state) from classifications order by 1, 2")


def test_what_was_recorded_is_tagged(line: Line, bells: Bells, engine: Engine) -> None:
    line_stage.classifier(engine)
    record(line, *[wire(str(number)) for number in range(5)])
    classify(line, *[id_ for _, (_, id_, _) in bells])
    assert ends(engine) == [(str(number), "tagged") for number in range(5)]
    values = rows(engine, "select tags ->> 'department' from generations")
    assert set(values) <= {"yes_it_is", "no_it_is_not"}
    assert rows(engine, "select distinct model, cost_usd::float8, attempts from classifications") == [
        ("local-lexical", 0.0, 1)
    ]


def test_a_bell_that_rings_for_nothing_leaves_the_room_empty(line: Line) -> None:
    classify(line, "nobody")
    assert line.room.inside == 0


def test_what_may_not_be_asked_any_more_has_its_reason(line: Line, engine: Engine) -> None:
    asked = line_stage.classifier(engine, daily_budget_usd="0.5").id
    record(line, *[wire(id_) for id_ in ("budget", "paused", "text")])
    with engine.begin() as connection:
        connection.execute(text("delete from transcripts where generation_id = 'text'"))
    classify(line, "text")
    with engine.begin() as connection:
        connection.execute(
            text("insert into classifier_spend values (:id, (now() at time zone 'utc')::date, 0.5, 1)"), {"id": asked}
        )
    classify(line, "budget")
    with engine.begin() as connection:
        classifiers.pause(connection, "acme", "work")
    classify(line, "paused")
    assert ends(engine) == [("budget", "over_budget"), ("paused", "paused"), ("text", "text_expired")]
    assert rows(engine, "select distinct attempts, cost_usd from classifications") == [(0, None)]


def test_a_classifier_that_was_erased_meanwhile_does_not_hold_its_neighbours(line: Line, engine: Engine) -> None:
    gone = line_stage.classifier(engine, "gone", dimension="a").id
    line_stage.classifier(engine, "stays", dimension="b")
    record(line, wire("1"))
    with engine.begin() as connection:
        connection.execute(text("delete from classifiers where id = :id"), {"id": gone})
    classify(line, "1")
    assert ends(engine) == [("1", "no_classifier"), ("1", "tagged")]


def test_a_definition_of_another_release_waits_and_does_not_hold_its_neighbours(line: Line, engine: Engine) -> None:
    strange = line_stage.classifier(engine, "strange", dimension="a").id
    line_stage.classifier(engine, "known", dimension="b")
    record(line, wire("1"))
    as_of_another_release(engine, strange)
    classify(line, "1")
    assert ends(engine) == [("1", "pending"), ("1", "tagged")]
    assert rows(engine, "select due_at > now() + interval '1 minute' from classifications where state = 'pending'") == [
        True
    ]


def as_of_another_release(engine: Engine, classifier: UUID) -> None:
    """A version beside the one that this process has read, with a setting that nobody here knows."""
    with engine.begin() as connection:
        connection.execute(
            text("""
            insert into classifier_versions (classifier_id, version, definition, dimensions, endpoint)
            select classifier_id, 2, definition || '{"mood": 1}', dimensions, endpoint from classifier_versions
            where classifier_id = :id
            """),
            {"id": classifier},
        )
        connection.execute(text("update classifications set version = 2 where classifier_id = :id"), {"id": classifier})


def test_a_stopped_line_claims_nothing(line: Line, engine: Engine) -> None:
    line_stage.classifier(engine)
    record(line, wire("1"))
    line.stop_claiming()
    classify(line, "1")
    assert ends(engine) == [("1", "pending")]


@pytest.mark.parametrize("tokens", [None, 1_000, 200_000])
def test_a_version_knows_the_room_that_its_models_context_leaves(engine: Engine, tokens: int | None) -> None:
    asked = line_stage.classifier(engine, context_tokens=tokens)
    with engine.connect() as connection:
        version = Versions().get(connection, asked.id, 1)
    context = 4 * ((tokens or 100_000) - 4_000) - len(version.prepared.system_prompt)
    assert version.characters == max(context, 2_000)


def test_a_version_is_prepared_once(engine: Engine) -> None:
    asked, versions = line_stage.classifier(engine), Versions()
    with engine.connect() as connection:
        assert versions.get(connection, asked.id, 1) is versions.get(connection, asked.id, 1)
        connection.execute(
            text("""
            insert into classifier_versions (classifier_id, version, definition, dimensions, endpoint)
            select classifier_id, n, definition, dimensions, endpoint
            from classifier_versions, generate_series(2, :last) n
            """),
            {"last": VERSIONS_KEPT + 1},
        )
        keys = {versions.get(connection, asked.id, number).cache_key for number in range(1, VERSIONS_KEPT + 2)}
    assert len(keys) == VERSIONS_KEPT + 1


def test_what_was_recorded_is_asked_by_the_classifiers_present_state_and_budget(line: Line, engine: Engine) -> None:
    asked = line_stage.classifier(engine, daily_budget_usd="5").id
    record(line, *[wire(id_) for id_ in ("budget", "draft", "raised")])
    with engine.begin() as connection:
        connection.execute(
            text("insert into classifier_spend values (:id, (now() at time zone 'utc')::date, 0.5, 1)"), {"id": asked}
        )

    def update(budget_usd: str, state: classifiers.State) -> None:
        with engine.begin() as connection:
            changed = definition("department", daily_budget_usd=budget_usd)
            classifiers.update(connection, "acme", "work", changed, state=state, configured_by=None)

    update("0.5", "active")
    classify(line, "budget")
    update("7", "active")
    classify(line, "raised")
    update("7", "draft")
    classify(line, "draft")
    assert ends(engine) == [("budget", "over_budget"), ("draft", "paused"), ("raised", "tagged")]
