"""`generations`, `tags` and `why` on real rows: filters, sentences, JSON that scripts can read."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Connection

from tests.console.command_line import CommandLine, on
from tests.worker import line_rows
from tests.worker.line_rows import NOW
from worker import reasons
from worker.reasons import Kind, Reason
from worker.store import engine as engines

SENTINEL = "SENTINEL of a conversation"


@pytest.fixture
def aftertag(database_url: str) -> CommandLine:
    return on(database_url)


@pytest.fixture
def connection(database_url: str) -> Iterator[Connection]:
    """Every statement stands at once, so that the command line sees it."""
    engine = engines.connect(database_url)
    line_rows.days(engine, NOW - timedelta(days=1), NOW - timedelta(days=20))
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        line_rows.workspace(connection, "acme")
        yield connection
    engine.dispose()


@pytest.fixture
def classifier(connection: Connection) -> UUID:
    return line_rows.classifier(connection, "acme")


def tagged(
    connection: Connection, id_: str, workspace: str = "acme", department: str = "legal", **columns: object
) -> None:
    row = {"tags": {"department": department}, "app": "web", "cost_usd": "0.25"} | columns
    line_rows.generation(connection, workspace, id_, **row)  # type: ignore[arg-type]
    line_rows.transcript(connection, workspace, id_, said=SENTINEL)
    line_rows.classification(connection, workspace, id_, "tagged", tags=row["tags"])


def test_generations_are_listed_with_tags_and_reasons(aftertag: CommandLine, connection: Connection) -> None:
    tagged(connection, "first")
    line_rows.generation(connection, "acme", "second")
    line_rows.classification(connection, "acme", "second", "not_run", reason="sampled_out")
    told = aftertag.done("generations").stdout
    for word in ("first", "department=legal", "0.250000", "second", "unknown", "sampled_out"):
        assert word in told
    assert SENTINEL not in told
    found = aftertag.done("generations", "--json").json
    assert {one["id"]: (one["tags"], one["cost_usd"], one["reasons"]) for one in found} == {
        "first": ({"department": "legal"}, 0.25, ["tagged"]),
        "second": ({}, None, ["sampled_out"]),
    }


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (["--tag", "department=legal"], ["web's"]),
        (["--app", "cli"], ["cli's"]),
        (["--state", "not_run"], ["old", "second"]),
        (["--reason", "sampled_out", "--since", "7d"], ["second"]),
        (["--limit", "1"], ["cli's"]),
        (["--since", "10m", "--user", "nobody"], []),
    ],
)
def test_filters_narrow(aftertag: CommandLine, connection: Connection, options: list[str], expected: list[str]) -> None:
    tagged(connection, "web's", created_at=NOW - timedelta(hours=1))
    tagged(connection, "cli's", department="sales", app="cli")
    line_rows.classification(connection, "acme", "web's", "tagged", created_at=NOW - timedelta(hours=1))
    for id_, days in (("second", 1), ("old", 20)):
        at = NOW - timedelta(days=days)
        line_rows.generation(connection, "acme", id_, created_at=at)
        line_rows.classification(connection, "acme", id_, "not_run", created_at=at, reason="sampled_out")
    since = [] if "--since" in options else ["--since", "30d"]
    found = aftertag.done("generations", *options, *since, "--json").json
    assert sorted(one["id"] for one in found) == expected


def test_tags_are_counted_with_their_cost_and_the_coverage_adds_up(
    aftertag: CommandLine, connection: Connection
) -> None:
    tagged(connection, "1")
    tagged(connection, "2", cost_usd=None)
    tagged(connection, "3", department="sales", app="cli")
    line_rows.generation(connection, "acme", "4")
    line_rows.classification(connection, "acme", "4", "failed", reason="refused")
    found = aftertag.done("tags", "--json").json
    assert [(one["value"], one["generations"], one["cost_usd"], one["cost_unknown"]) for one in found["tags"]] == [
        ("legal", 2, 0.25, 1),
        ("sales", 1, 0.25, 0),
    ]
    assert (found["generations"], found["classifications"], found["tagged"], found["reasons"]) == (
        4,
        4,
        3,
        {"refused": 1},
    )
    told = aftertag.done("tags", "--dimension", "department", "--by", "app").stdout
    for word in (
        "web",
        "cli",
        "0.2500 + 1 unknown",
        "refused",
        "25.0%",
        "Of 4 generations, 2 came without their cost.",
    ):
        assert word in told


def test_what_is_estimated_is_told_from_what_was_reported(aftertag: CommandLine, connection: Connection) -> None:
    tagged(connection, "1", cost_usd="0.125", cost_source="estimated")
    tagged(connection, "2")
    assert "0.125000 estimated" in aftertag.done("generations").stdout
    assert [one["cost_source"] for one in aftertag.done("generations", "--json").json] == ["estimated", "reported"]
    told = aftertag.done("tags").stdout
    for words in (
        "0.3750 (0.1250 estimated)",
        "Of 2 generations, the cost of 1 is estimated from their models' public",
    ):
        assert words in told
    assert "$0.125 (estimated)" in aftertag.done("why", "1").stdout


def test_tags_of_nothing_say_so(aftertag: CommandLine, connection: Connection) -> None:
    told = aftertag.done("tags").stdout
    assert "none" in told
    assert aftertag.done("tags", "--json").json["classifications"] == 0


def test_a_dimension_that_nobody_asks_is_told_from_one_without_tags(
    aftertag: CommandLine, connection: Connection
) -> None:
    nope = ("tags", "--dimension", "nope")
    assert aftertag.refused(*nope) == "No classifier of 'acme' asks a dimension 'nope'; none is asked there yet."
    line_rows.classifier(connection, "acme")
    told = aftertag.refused(*nope)
    assert told == "No classifier of 'acme' asks a dimension 'nope'; those that are asked: department."
    assert "none" in aftertag.done("tags", "--dimension", "department").stdout
    tagged(connection, "of a classifier that is gone", tags={"nope": "yes"})
    assert "yes" in aftertag.done(*nope).stdout


def test_a_workspace_must_be_named_where_there_are_several(aftertag: CommandLine, connection: Connection) -> None:
    line_rows.workspace(connection, "beta")
    tagged(connection, "hers", "beta")
    assert "choose one with --workspace" in aftertag.refused("generations")
    assert aftertag.done("generations", "-w", "acme", "--json").json == []
    assert [one["id"] for one in aftertag.done("generations", "-w", "beta", "--json").json] == ["hers"]
    assert aftertag.refused("tags", "-w", "nope").startswith("There is no workspace 'nope'")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["generations", "--since", "yesterday"], "--since 'yesterday' is no time;"),
        (["generations", "--since", "999999w"], "--since '999999w' is no time;"),
        (["generations", "--tag", "legal"], "--tag 'legal' is no tag;"),
        (["generations", "--reason", "bad_luck"], "--reason 'bad_luck' is none;"),
        (["why", "x", "--created-at", "noon"], "'noon' is no time;"),
        (["why", "nobody's"], 'There is no generation "nobody\'s" in any workspace;'),
        (["why", "x", "-w", "acme"], "There is no generation 'x' in workspace 'acme';"),
        (["why", "x", "-w", "nope"], "There is no workspace 'nope';"),
    ],
)
def test_what_cannot_be_answered_is_one_sentence(
    aftertag: CommandLine, connection: Connection, arguments: list[str], sentence: str
) -> None:
    assert aftertag.refused(*arguments).startswith(sentence)


@pytest.mark.parametrize("reason", Reason)
def test_why_tells_every_reason_and_what_to_do(
    aftertag: CommandLine, connection: Connection, classifier: UUID, reason: Reason
) -> None:
    explained = reasons.explain(reason)
    state = {Kind.NOT_YET: reason.value, Kind.NOT_RUN: "not_run", Kind.FAILED: "failed", Kind.WAITING: "pending"}
    stored = None if explained.kind is Kind.NOT_YET else reason.value
    line_rows.generation(connection, "acme", "g")
    line_rows.classification(connection, "acme", "g", state[explained.kind], reason=stored, classifier=classifier)
    told = aftertag.done("why", "g").stdout
    assert reason.value in told
    assert explained.sentence in told
    assert explained.advice in told
    (story,) = aftertag.done("why", "g", "--json").json
    (one,) = story["classifications"]
    assert (one["reason"], one["sentence"], one["advice"]) == (reason.value, explained.sentence, explained.advice)


def test_why_tells_the_whole_story_of_a_tagged_generation(
    aftertag: CommandLine, connection: Connection, classifier: UUID
) -> None:
    ada = line_rows.member(connection, "acme")
    line_rows.generation(connection, "acme", "g", app="web", user_id="ben", model="gpt", cost_usd="0.5")
    line_rows.transcript(connection, "acme", "g", said=SENTINEL)
    columns: dict[str, Any] = {
        "rate": 0.2,
        "draw": 0.125,
        "attempts": 2,
        "lost_leases": 1,
        "last_case": "server_error",
        "model": "small",
    }
    paid: dict[str, Any] = {
        "prompt_tokens": 900,
        "completion_tokens": 20,
        "cost_usd": "0.001",
        "cost_source": "estimated",
        "billed_to": ada,
        "calls": [
            {
                "at": "2026-11-21T09:30:00.25+00:00",
                "case": "server_error",
                "model": None,
                "latency_ms": 7.0,
                "cost_usd": None,
            },
            {"at": "2026-11-21T09:30:05+00:00", "case": None, "model": "small", "latency_ms": 311.9, "cost_usd": 1e-05},
        ],
    }
    answer: dict[str, Any] = {
        "tags": {"department": "legal"},
        "certainty": {"department": 0.84},
        "first_attempt_at": NOW,
    }
    line_rows.classification(connection, "acme", "g", "tagged", classifier=classifier, **columns, **paid, **answer)
    told = aftertag.done("why", "g").stdout
    for part in (
        "web, user ben",
        "$0.5",
        "kept: 2 turns",
        "By classifier work, version 1:",
        "tagged: department=legal (84% sure)",
        "rate 0.2, draw 0.1250, in: the draw is below the rate",
        "last case server_error, 1 lost leases",
        "calls      2026-11-21 09:30:00 UTC: server_error, 7 ms, cost unknown",
        "           2026-11-21 09:30:05 UTC: answered, small, 312 ms, $0.00001",
        "$0.001 (estimated), for 900 prompt and 20 completion tokens",
        "billed to  ada",
    ):
        assert part in told
    assert SENTINEL not in told
    assert SENTINEL not in aftertag.done("why", "g", "--json").stdout


def test_why_tells_the_last_calls_and_how_many_came_before(
    aftertag: CommandLine, connection: Connection, classifier: UUID
) -> None:
    call = {"case": "rate_limited", "model": None, "latency_ms": 1, "cost_usd": 0}
    made = [{"at": f"2026-11-21T09:{minute:02}:00+00:00", **call} for minute in range(12)]
    line_rows.generation(connection, "acme", "g")
    line_rows.classification(connection, "acme", "g", "retrying", classifier=classifier, calls=made)
    told = aftertag.done("why", "g").stdout
    assert "calls      2 earlier\n" in told
    assert told.count("rate_limited, 1 ms") == 10
    assert "09:02:00" in told
    assert "09:01:00" not in told


def test_why_tells_what_people_thought_of_it(aftertag: CommandLine, connection: Connection) -> None:
    line_rows.generation(connection, "acme", "g")
    line_rows.classification(connection, "acme", "g", "not_run", reason="no_classifier")
    line_rows.feedback(connection, "acme", "1", "g", score=-1, comment="Wrong\x1b[2J tone.", user_id="ann")
    line_rows.feedback(connection, "acme", "2", "another's")
    connection.commit()
    told = aftertag.done("why", "g").stdout
    assert "feedback   score -1 by user ann, " in told
    assert ": Wrong\\x1b[2J tone." in told
    assert told.count("feedback") == 1
    (story,) = aftertag.done("why", "g", "--json").json
    assert [(one["id"], one["score"], one["user"]) for one in story["feedback"]] == [("1", -1.0, "ann")]


def test_why_tells_of_every_workspace_and_time_unless_told_where(aftertag: CommandLine, connection: Connection) -> None:
    line_rows.workspace(connection, "beta")
    tagged(connection, "same")
    tagged(connection, "same", "beta")
    old = NOW - timedelta(days=20)
    line_rows.classification(connection, "acme", "same", "not_run", reason="own_call", created_at=old)
    found = aftertag.done("why", "same", "--json").json
    assert sorted(story["workspace"] for story in found) == ["acme", "acme", "beta"]
    assert "not among generations: it is a call of Aftertag's own" in aftertag.done("why", "same").stdout
    assert len(aftertag.done("why", "same", "-w", "beta", "--json").json) == 1
    (only,) = aftertag.done("why", "same", "--created-at", old.isoformat(), "--json").json
    assert only["recorded_at"] is None
