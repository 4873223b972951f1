from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal

import pytest
from sqlalchemy import Connection, event, text

from tests.worker import line_rows
from tests.worker.line_rows import NOW
from worker.store import engine as engines
from worker.store import story

LONG_AGO = NOW - timedelta(days=20)


@pytest.fixture
def connection(database_url: str) -> Iterator[Connection]:
    engine = engines.connect(database_url)
    line_rows.days(engine, LONG_AGO, *(NOW - timedelta(days=age) for age in range(1, 6)))
    with engine.begin() as connection:
        line_rows.workspace(connection, "acme")
        yield connection
    engine.dispose()


def recorded(connection: Connection, workspace: str = "acme", *, created_at: datetime = NOW) -> None:
    line_rows.generation(connection, workspace, "g", created_at=created_at)
    line_rows.classification(connection, workspace, "g", "pending", created_at=created_at)


def test_an_id_in_several_workspaces_and_at_several_times_is_found_everywhere(connection: Connection) -> None:
    line_rows.workspace(connection, "other")
    recorded(connection)
    recorded(connection, created_at=LONG_AGO)
    recorded(connection, "other")
    assert story.find(connection, "g") == [("acme", "g", NOW), ("other", "g", NOW), ("acme", "g", LONG_AGO)]
    assert story.find(connection, "g", workspace="other") == [("other", "g", NOW)]
    assert story.find(connection, "g", around=LONG_AGO) == [("acme", "g", LONG_AGO)]
    assert story.find(connection, "nobody's") == []


def test_the_story_has_everything_but_the_text(connection: Connection) -> None:
    ada = line_rows.member(connection, "acme")
    classifier = line_rows.classifier(connection, "acme")
    line_rows.generation(
        connection, "acme", "g", app="web", user_id="ben", cost_usd="0.5", tags={"department": "legal"}
    )
    line_rows.transcript(connection, "acme", "g", said="SENTINEL")
    line_rows.classification(
        connection,
        "acme",
        "g",
        "tagged",
        classifier=classifier,
        rate=0.2,
        draw=0.1,
        attempts=2,
        lost_leases=1,
        last_case="server_error",
        tags={"department": "legal"},
        certainty={"department": 0.8},
        model="small",
        prompt_tokens=900,
        cost_usd=Decimal("0.001"),
        cost_source="estimated",
        billed_to=ada,
        calls=[{"at": "2026-11-21T09:30:00+00:00", "case": None, "cost_usd": 0.001}],
    )
    told = story.tell(connection, ("acme", "g", NOW))
    assert (told.app, told.user, told.cost_usd, told.turns, told.keep_text_days) == (
        "web",
        "ben",
        Decimal("0.5"),
        2,
        30,
    )
    (by,) = told.classifications
    assert (by.classifier, by.version, by.reason, by.rate, by.draw) == ("work", 1, "tagged", 0.2, 0.1)
    assert (by.attempts, by.lost_leases, by.last_case, by.billed_to) == (2, 1, "server_error", "ada")
    assert (by.tags, by.certainty) == ({"department": "legal"}, {"department": 0.8})
    assert by.calls == [{"at": "2026-11-21T09:30:00+00:00", "case": None, "cost_usd": 0.001}]
    assert (by.model, by.prompt_tokens, by.cost_usd, by.cost_source) == ("small", 900, Decimal("0.001"), "estimated")
    assert by.due_at is None
    assert by.finished_at is not None
    assert "SENTINEL" not in repr(told)


def test_a_call_of_our_own_has_a_story_without_a_generation(connection: Connection) -> None:
    line_rows.classification(connection, "acme", "own", "not_run", reason="own_call")
    told = story.tell(connection, ("acme", "own", NOW))
    assert (told.recorded_at, told.model, told.turns, told.tags) == (None, None, None, {})
    (by,) = told.classifications
    assert (by.classifier, by.version, by.endpoint, by.reason) == (None, None, None, "own_call")


def test_text_that_is_gone_and_a_classifier_that_is_gone_are_said(connection: Connection) -> None:
    line_rows.generation(connection, "acme", "g")
    line_rows.classification(connection, "acme", "g", "pending", classifier="11111111-1111-1111-1111-111111111111")
    told = story.tell(connection, ("acme", "g", NOW))
    assert told.turns is None
    assert told.classifications[0].classifier == "(deleted)"
    assert told.classifications[0].due_at is not None


def test_every_classifier_tells_its_own_part(connection: Connection) -> None:
    line_rows.generation(connection, "acme", "g")
    for name, state in (("b", "running"), ("a", "retrying")):
        line_rows.classification(
            connection, "acme", "g", state, classifier=line_rows.classifier(connection, "acme", name)
        )
    by_a, by_b = story.tell(connection, ("acme", "g", NOW)).classifications
    assert (by_a.classifier, by_a.reason, by_a.due_at is None) == ("a", "retrying", False)
    assert (by_b.classifier, by_b.reason, by_b.lease_ends_at is None) == ("b", "running", False)


def test_where_a_time_is_known_only_its_days_are_read(connection: Connection) -> None:
    recorded(connection)
    plans: list[str] = []

    @event.listens_for(connection, "before_cursor_execute", retval=True)
    def explain(_conn, cursor, statement, parameters, _context, _many):  # type: ignore[no-untyped-def]
        cursor.execute(f"explain (costs off) {statement}", parameters)
        plans.append("\n".join(row[0] for row in cursor.fetchall()))
        return statement, parameters

    story.find(connection, "g", around=LONG_AGO, within=timedelta(hours=1))
    story.tell(connection, ("acme", "g", NOW))
    event.remove(connection, "before_cursor_execute", explain)
    plans = [plan for plan in plans if "pg_inherits" not in plan]
    plans.remove(of_feedback := next(plan for plan in plans if "feedback" in plan))
    assert len(plans) == 3
    days = connection.execute(
        text("select count(*) from pg_inherits where inhparent = 'generations'::regclass")
    ).scalar()
    assert days == 7
    for plan in plans:
        scans = [line for line in plan.splitlines() if " on classifications_" in line or " on generations_" in line]
        assert 1 <= len(scans) <= 2, plan
        assert "Seq Scan on classifications" not in plan
    assert f"feedback_{LONG_AGO:%Y%m%d}" not in of_feedback
    assert "Seq Scan" not in of_feedback
