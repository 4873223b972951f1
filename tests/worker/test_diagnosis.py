"""Each finding of `doctor`, fine and not; what is no problem does not end it with 1."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
import redis
from sqlalchemy import Engine

from classifier_models.endpoints import LOCAL, Endpoint
from tests.worker import line_rows, signs_of_life
from worker import broker_state, diagnosis
from worker.broker_state import BrokerState
from worker.diagnosis import Severity
from worker.store import engine as engines
from worker.store import locks as locks_of
from worker.store import partitions, server
from worker.store.line_state import LineState, Waiting
from worker.store.locks import Locks
from worker.store.server import Asked, Server, TextKept

TODAY = date(2026, 11, 21)
AT = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)


def found(
    *,
    has_today: bool = True,
    days_ahead: int = 3,
    asked: tuple[Asked, ...] = (),
    text_kept: tuple[TextKept, ...] = (TextKept(workspace="acme", keep_text_days=30),),
    oldest: date | None = None,
    unasked: tuple[str, ...] = (),
) -> Server:
    return Server(
        version=18,
        has_today=has_today,
        days_ahead=days_ahead,
        asked=asked,
        text_kept=text_kept,
        unasked=unasked,
        oldest_text_day=oldest,
    )


def locks(*, days: int) -> Locks:
    """A default server, and so many days of sixteen relations (more than today's fourteen), four in the largest table."""
    return Locks(days=days, room=6_400, at_once=100, of_all_days=16 * days, of_one_table=4 * days)


def line(*, oldest_wait_seconds: float | None, completed_before: float | None) -> LineState:
    due = 0 if oldest_wait_seconds is None else 1
    row = Waiting(
        endpoint="local",
        pending=1,
        running=0,
        retrying=0,
        due=due,
        oldest_wait_seconds=oldest_wait_seconds,
        for_operator={},
    )
    return LineState(
        at=AT,
        waiting=(row,),
        last_completion=None if completed_before is None else AT - timedelta(seconds=completed_before),
        losses={},
        set_aside=0,
        set_aside_today=0,
        spend_usd=Decimal(0),
        calls=0,
    )


@pytest.mark.parametrize(
    ("finding", "severity"),
    [
        (diagnosis.of_schema("0001", "0001"), Severity.OK),
        (diagnosis.of_schema(None, "0001"), Severity.PROBLEM),
        (diagnosis.of_schema("0002", "0001"), Severity.PROBLEM),
        (diagnosis.of_clock("Clock", 1.9), Severity.OK),
        (diagnosis.of_clock("Clock", -2.1), Severity.PROBLEM),
        (diagnosis.of_days(found()), Severity.OK),
        (diagnosis.of_days(found(days_ahead=0)), Severity.PROBLEM),
        (diagnosis.of_days(found(has_today=False)), Severity.PROBLEM),
        (diagnosis.of_locks(locks(days=200)), Severity.OK),
        (diagnosis.of_locks(locks(days=201)), Severity.NOTE),
        (diagnosis.of_locks(locks(days=800)), Severity.NOTE),
        (diagnosis.of_locks(locks(days=801)), Severity.PROBLEM),
        (diagnosis.of_workers(line(oldest_wait_seconds=None, completed_before=None)), Severity.OK),
        (diagnosis.of_workers(line(oldest_wait_seconds=59, completed_before=None)), Severity.OK),
        (diagnosis.of_workers(line(oldest_wait_seconds=900, completed_before=5)), Severity.OK),
        (diagnosis.of_workers(line(oldest_wait_seconds=61, completed_before=None)), Severity.PROBLEM),
        (diagnosis.of_workers(line(oldest_wait_seconds=61, completed_before=61)), Severity.PROBLEM),
        (diagnosis.of_text(found(), today=TODAY), Severity.OK),
        (diagnosis.of_text(found(oldest=TODAY - timedelta(days=32)), today=TODAY), Severity.OK),
        (diagnosis.of_text(found(oldest=TODAY - timedelta(days=33)), today=TODAY), Severity.NOTE),
        (diagnosis.of_text(found(text_kept=()), today=TODAY), Severity.NOTE),
        (diagnosis.of_redis_version("7.4.2"), Severity.OK),
        (diagnosis.of_redis_version("6.2"), Severity.OK),
        (diagnosis.of_redis_version("6.0.16"), Severity.PROBLEM),
        (diagnosis.of_redis_version(None), Severity.NOTE),
        (diagnosis.of_life(BrokerState(depths={}, workers=1, swept_seconds_ago=1.0)), Severity.OK),
        (diagnosis.of_life(BrokerState(depths={}, workers=0, swept_seconds_ago=1.0)), Severity.PROBLEM),
        (diagnosis.of_life(BrokerState(depths={}, workers=1)), Severity.PROBLEM),
        (diagnosis.of_life(BrokerState(depths={}, problem="Redis does not answer.")), Severity.NOTE),
        (diagnosis.of_eviction("noeviction"), Severity.OK),
        (diagnosis.of_eviction("allkeys-lru"), Severity.PROBLEM),
        (diagnosis.of_eviction(None), Severity.NOTE),
    ],
)
def test_each_finding_and_its_edge(finding: diagnosis.Finding, severity: Severity) -> None:
    assert finding.severity is severity
    assert bool(finding.advice) is (severity is not Severity.OK)


def test_the_advice_has_room_for_four_statements_over_all_days() -> None:
    advice = diagnosis.of_locks(locks(days=1_500)).advice
    assert advice is not None
    assert "Set max_locks_per_transaction to 1024" in advice
    assert 1024 * 100 >= 4 * 16 * 1_500 > 512 * 100


def test_the_locks_of_a_real_server_are_counted(database_url: str) -> None:
    with engines.connecting(database_url) as engine:
        partitions.make(engine, [TODAY + timedelta(days=day) for day in range(5)])
        with engine.connect() as connection:
            found = locks_of.look(connection)
            of_all = "select 1 from generations cross join transcripts cross join classifications cross join feedback"
            connection.exec_driver_sql(of_all)
            held = connection.exec_driver_sql(
                "select count(*) from pg_locks l join pg_class c on c.oid = l.relation"
                " where l.pid = pg_backend_pid() and c.relname ~ '_20[0-9]{6}'"
            ).scalar_one()
    assert found.days == 5
    assert found.of_all_days == held
    assert found.of_one_table == 5 * 4


def test_a_classifier_whose_endpoint_is_not_configured_here_is_a_note() -> None:
    asked = (
        Asked(workspace="acme", classifier="work", endpoint="local", state="active"),
        Asked(workspace="acme", classifier="risk", endpoint="vllm", state="paused"),
    )
    _, note = diagnosis.of_endpoints(found(asked=asked), {"local": LOCAL}, keys=False)
    assert note.severity is Severity.NOTE
    assert "'risk' of workspace 'acme' asks endpoint 'vllm'" in note.found
    assert note.advice is not None
    assert "AFTERTAG_ENDPOINT_VLLM_URL" in note.advice


def test_a_classifier_of_the_built_in_model_without_scikit_learn_is_a_note() -> None:
    asked = (Asked(workspace="acme", classifier="risk", endpoint="local", state="active"),)
    (_,) = diagnosis.of_endpoints(found(asked=asked), {"local": LOCAL}, keys=False)
    _, note = diagnosis.of_endpoints(found(asked=asked), {"local": LOCAL}, keys=False, has_local_model=False)
    assert note.severity is Severity.NOTE
    assert "scikit-learn" in note.found


def test_keys_are_told_by_presence_only() -> None:
    keyed = Endpoint(name="openai", base_url="https://x/v1", dialect="chat", api_key="SENTINEL")
    bare = Endpoint(name="vllm", base_url="http://x/v1", dialect="chat")
    endpoints = {"openai": keyed, "vllm": bare, "local": LOCAL}
    (told,) = diagnosis.of_endpoints(found(), endpoints, keys=True)
    assert told.found == "Configured here: openai (key set), vllm (no key), local (no key needed)."
    (told,) = diagnosis.of_endpoints(found(), endpoints, keys=False)
    assert told.found == "Configured here: openai, vllm, local."


def test_the_database_tells_its_days_classifiers_and_workspaces(engine: Engine) -> None:
    today = line_rows.NOW.date()
    partitions.make(engine, [today - timedelta(days=40), today, today + timedelta(days=1), today + timedelta(days=2)])
    with engine.begin() as connection:
        line_rows.workspace(connection, "acme", keep_text_days=0)
        line_rows.classifier(connection, "acme", "work", endpoint="vllm")
        line_rows.classifier(connection, "acme", "sketch", state="draft")
        looked = server.look(connection, today=today)
    assert (looked.has_today, looked.days_ahead) == (True, 2)
    assert looked.asked == (Asked(workspace="acme", classifier="work", endpoint="vllm", state="active"),)
    assert looked.text_kept == (TextKept(workspace="acme", keep_text_days=0),)
    assert looked.oldest_text_day == today - timedelta(days=40)
    assert looked.version >= 15


def test_a_workspace_that_a_mistyped_name_made_is_a_note(engine: Engine) -> None:
    week = [line_rows.NOW - timedelta(days=day) for day in (0, 9)]
    line_rows.days(engine, *week)
    with engine.begin() as connection:
        for name in ("acme", "acmee", "quiet", "long-ago"):
            line_rows.workspace(connection, name)
        line_rows.classifier(connection, "acme")
        for name in ("acme", "acmee"):
            line_rows.generation(connection, name, "1")
        line_rows.generation(connection, "long-ago", "1", created_at=week[1])
        looked = server.look(connection, today=line_rows.NOW.date())
    assert looked.unasked == ("acmee",)
    (told,) = diagnosis.of_workspaces(looked)
    assert (told.severity, told.found.rpartition(": ")[2]) == (Severity.NOTE, "'acmee'.")
    assert list(diagnosis.of_workspaces(found())) == []
    (told,) = diagnosis.of_workspaces(found(unasked=tuple(f"w{number}" for number in range(21))))
    assert told.found.endswith("'w19', ….")


@pytest.mark.parametrize(("theirs", "offset"), [(100, 0), (109, 0), (110, 0), (112, 2), (97, -3), (104.5, 0)])
def test_what_a_question_took_is_no_fault_of_the_clock_that_was_asked(theirs: float, offset: float) -> None:
    times = iter((100.0, 110.0))
    assert diagnosis.clock_offset_seconds(lambda: theirs, clock=lambda: next(times)) == offset


def test_a_redis_answers_for_itself(redis_db_url: str) -> None:
    with broker_state.connect(redis_db_url) as client:
        signs_of_life.leave(client)
        findings = list(diagnosis.of_redis(client, alive_seconds=30))
    assert [one.subject for one in findings][:2] == ["Redis", "Eviction"]
    assert {one.severity for one in findings} <= {Severity.OK, Severity.NOTE}


def test_a_redis_that_does_not_answer_is_one_finding() -> None:
    with redis.Redis(port=1) as client:
        (finding,) = diagnosis.of_redis(client, alive_seconds=30)
    assert finding.severity is Severity.PROBLEM
