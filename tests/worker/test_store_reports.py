from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlalchemy import Connection, Engine

from tests.worker import line_rows
from tests.worker.line_rows import NOW
from worker import errors
from worker.store import engine as engines
from worker.store import reports

SINCE = NOW - timedelta(days=1)


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    engine = engines.connect(database_url)
    line_rows.days(engine, NOW - timedelta(days=1), NOW - timedelta(days=3))
    yield engine
    engine.dispose()


@pytest.fixture
def connection(engine: Engine) -> Iterator[Connection]:
    with engine.begin() as connection:
        line_rows.workspace(connection, "acme")
        yield connection


def tagged(connection: Connection, id: str, workspace: str = "acme", **columns: object) -> None:  # noqa: A002
    line_rows.generation(connection, workspace, id, **columns)  # type: ignore[arg-type]
    line_rows.classification(connection, workspace, id, "tagged")


def ids(rows: list[reports.GenerationRow]) -> list[str]:
    return [row.id for row in rows]


def test_generations_come_newest_first_and_only_since_the_time_given(connection: Connection) -> None:
    tagged(connection, "new")
    for age in (timedelta(hours=2), timedelta(days=3)):
        line_rows.generation(connection, "acme", f"{age}", created_at=NOW - age)
    assert ids(reports.generations(connection, "acme", since=SINCE)) == ["new", "2:00:00"]
    assert ids(reports.generations(connection, "acme", since=SINCE, limit=1)) == ["new"]
    assert ids(reports.generations(connection, "acme", since=SINCE, until=NOW - timedelta(hours=1))) == ["2:00:00"]


def test_a_workspace_sees_its_own_generations_tags_and_counts_only(connection: Connection) -> None:
    line_rows.workspace(connection, "other")
    tagged(connection, "same", "acme", tags={"department": "legal"})
    tagged(connection, "same", "other", tags={"department": "sales"})
    tagged(connection, "more", "other", tags={"department": "sales"})
    (found,) = reports.generations(connection, "acme", since=SINCE)
    assert (found.workspace, found.tags, found.reasons) == ("acme", {"department": "legal"}, ["tagged"])
    assert [count.value for count in reports.tag_counts(connection, "acme", since=SINCE)] == ["legal"]
    assert reports.coverage(connection, "acme", SINCE)["classifications"] == 1


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({"app": "web"}, ["one"]),
        ({"user": "ben"}, ["two"]),
        ({"model": "gpt"}, ["one"]),
        ({"tags": [("department", "legal")]}, ["one", "two"]),
        ({"tags": [("department", "legal"), ("department", "sales")]}, ["two"]),
        ({"tags": [("department", "legal")], "user": "ann"}, ["one"]),
        ({"reason": "tagged"}, ["one"]),
        ({"reason": "auth_failed"}, ["two"]),
        ({"reason": "pending"}, ["two"]),
        ({"reason": "sampled_out"}, []),
        ({"app": "nobody's"}, []),
    ],
)
def test_every_filter_narrows(connection: Connection, filters: dict[str, object], expected: list[str]) -> None:
    one = {"app": "web", "user_id": "ann", "model": "gpt", "tags": {"department": "legal"}}
    line_rows.generation(connection, "acme", "one", **one)  # type: ignore[arg-type]
    line_rows.classification(connection, "acme", "one", "tagged")
    two = {"app": "cli", "user_id": "ben", "model": "claude", "tags": {"department": ["sales", "legal"]}}
    line_rows.generation(connection, "acme", "two", **two)  # type: ignore[arg-type]
    line_rows.classification(connection, "acme", "two", "pending", reason="auth_failed")
    found = reports.generations(connection, "acme", since=SINCE, **filters)  # type: ignore[arg-type]
    assert sorted(ids(found)) == expected


def test_a_generation_says_its_reason_by_every_classifier(connection: Connection) -> None:
    line_rows.generation(connection, "acme", "one")
    for name, state, reason in (("a", "tagged", None), ("b", "not_run", "sampled_out"), ("c", "running", None)):
        classifier = line_rows.classifier(connection, "acme", name)
        line_rows.classification(connection, "acme", "one", state, classifier=classifier, reason=reason)
    (found,) = reports.generations(connection, "acme", since=SINCE)
    assert sorted(found.reasons) == ["running", "sampled_out", "tagged"]


def test_tags_are_counted_with_share_and_cost_and_what_nobody_knows(connection: Connection) -> None:
    tagged(connection, "1", tags={"department": "legal"}, cost_usd="0.25")
    tagged(connection, "2", tags={"department": "legal"}, cost_usd="0.5")
    tagged(connection, "3", tags={"department": "legal"})
    tagged(connection, "4", tags={"department": "sales"})
    legal, sales = reports.tag_counts(connection, "acme", since=SINCE)
    assert (legal.value, legal.generations, legal.share, legal.cost_unknown) == ("legal", 3, 0.75, 1)
    assert str(legal.cost_usd) == "0.75"
    assert (sales.share, sales.cost_usd, sales.estimated_usd, sales.cost_unknown) == (0.25, None, 0, 1)


def test_of_a_sum_it_is_told_which_part_is_estimated(connection: Connection) -> None:
    for id_, cost_source in (
        ("1", "reported"),
        ("2", "estimated"),
        ("3", "estimated"),
        ("before there were any", None),
    ):
        tagged(connection, id_, tags={"department": "legal"}, cost_usd="0.25", cost_source=cost_source)
    (legal,) = reports.tag_counts(connection, "acme", since=SINCE)
    assert (str(legal.cost_usd), str(legal.estimated_usd)) == ("1.00", "0.50")
    assert reports.coverage(connection, "acme", SINCE)["cost_estimated"] == 2
    told = {row.id: row.cost_source for row in reports.generations(connection, "acme", since=SINCE)}
    assert told == {"1": "reported", "2": "estimated", "3": "estimated", "before there were any": "reported"}


def test_several_values_count_for_each_and_shares_are_of_generations(connection: Connection) -> None:
    tagged(connection, "1", tags={"risk": ["secrets", "personal_data"], "department": "legal"})
    tagged(connection, "2", tags={"risk": ["secrets"]})
    found = reports.tag_counts(connection, "acme", since=SINCE, dimension="risk")
    assert [(count.value, count.generations, count.share) for count in found] == [
        ("secrets", 2, 1.0),
        ("personal_data", 1, 0.5),
    ]


def test_tags_are_counted_by_whom_and_shares_are_within_the_part(connection: Connection) -> None:
    tagged(connection, "1", tags={"department": "legal"}, app="web")
    tagged(connection, "2", tags={"department": "legal"}, app="cli")
    tagged(connection, "3", tags={"department": "sales"}, app="cli")
    tagged(connection, "4", tags={"department": "sales"})
    found = reports.tag_counts(connection, "acme", since=SINCE, by="app")
    assert [(count.part, count.value, count.share) for count in found] == [
        ("(none)", "sales", 1.0),
        ("cli", "legal", 0.5),
        ("cli", "sales", 0.5),
        ("web", "legal", 1.0),
    ]


def test_tagged_and_all_reasons_make_the_total(connection: Connection) -> None:
    tagged(connection, "1")
    for number, reason in enumerate(["sampled_out", "sampled_out", "own_call"]):
        line_rows.classification(connection, "acme", f"not-{number}", "not_run", reason=reason)
        if reason != "own_call":
            line_rows.generation(connection, "acme", f"not-{number}", cost_usd=1)
    line_rows.generation(connection, "acme", "wait")
    line_rows.classification(connection, "acme", "wait", "pending", reason="auth_failed")
    line_rows.generation(connection, "acme", "old", created_at=NOW - timedelta(days=3))
    line_rows.classification(connection, "acme", "old", "retrying", created_at=NOW - timedelta(days=3))
    found = reports.coverage(connection, "acme", SINCE)
    assert found == {
        "generations": 4,
        "classifications": 5,
        "tagged": 1,
        "reasons": {"sampled_out": 2, "auth_failed": 1, "own_call": 1},
        "cost_unknown": 2,
        "cost_estimated": 0,
    }
    assert reports.coverage(connection, "acme")["reasons"]["retrying"] == 1


def test_the_only_workspace_need_not_be_named(connection: Connection) -> None:
    assert reports.workspace_of(connection, None) == "acme"
    line_rows.workspace(connection, "other")
    assert reports.workspace_of(connection, "other") == "other"
    with pytest.raises(errors.InvalidRequestError, match="'acme', 'other'"):
        reports.workspace_of(connection, None)
    with pytest.raises(errors.NotFoundError, match="'nobody'"):
        reports.workspace_of(connection, "nobody")
