"""What is kept and for how long, on real partitions; one upkeep pass does all of it."""

from datetime import UTC, date, datetime, timedelta

import pytest
import redis
from sqlalchemy import Connection, Engine, text

from tests.worker import line_rows
from tests.worker.line_rows import NOW
from worker import upkeep
from worker.broker_transport import rejected
from worker.broker_transport.refusals import Fault, Refused
from worker.settings import Settings
from worker.store import partitions, retention, set_aside
from worker.upkeep import Tended

SETTINGS = Settings.from_environment({"AFTERTAG_KEEP_DAYS": "100"})


def ago(days: float) -> datetime:
    return NOW - timedelta(days=days)


def workspaces(engine: Engine, **keep_text_days: int) -> None:
    with engine.begin() as connection:
        for name, days in keep_text_days.items():
            line_rows.workspace(connection, name, keep_text_days=days)


def record(
    engine: Engine,
    id_: str,
    age: float,
    *,
    workspace: str = "acme",
    state: str = "tagged",
    recorded: float | None = None,
) -> None:
    """A generation of `age` days with text and one classification, recorded `recorded` days ago."""
    line_rows.days(engine, ago(age))
    with engine.begin() as connection:
        recorded_at = ago(age if recorded is None else recorded)
        line_rows.generation(connection, workspace, id_, created_at=ago(age), recorded_at=recorded_at)
        line_rows.transcript(connection, workspace, id_, created_at=ago(age))
        line_rows.classification(connection, workspace, id_, state, created_at=ago(age))


def tend(engine: Engine, client: redis.Redis, settings: Settings = SETTINGS) -> Tended:
    tended = upkeep.tend(engine, client, settings, now=NOW)
    assert tended is not None
    return tended


def ids(engine: Engine, table: str) -> list[str]:
    column = "id" if table == "generations" else "generation_id"
    with engine.connect() as connection:
        return list(connection.execute(text(f"select {column} from {table} order by 1")).scalars())  # noqa: S608


def days_of(engine: Engine, table: str) -> set[date]:
    with engine.connect() as connection:
        rows = connection.execute(
            text("select relid::regclass::text from pg_partition_tree(:table) where isleaf"), {"table": table}
        )
        return {partitions.day_of(name) for name in rows.scalars()}


def test_days_are_made_ahead_in_an_empty_database(engine: Engine, client: redis.Redis) -> None:
    assert tend(engine, client).days_made == partitions.DAYS_AHEAD + 2
    assert max(days_of(engine, "generations")) == NOW.date() + timedelta(days=partitions.DAYS_AHEAD)
    assert tend(engine, client).days_made == 0


def test_expired_days_go_from_all_four_tables(engine: Engine, client: redis.Redis) -> None:
    workspaces(engine, acme=3650)
    record(engine, "young", 99)
    record(engine, "old", 101)
    with engine.begin() as connection:
        for id_, age in (("young", 99), ("old", 101)):
            line_rows.feedback(connection, "acme", id_, id_, created_at=ago(age))
    tended = tend(engine, client)
    assert tended.generations.days == (ago(101).date(),)
    for table in ("generations", "transcripts", "classifications", "feedback"):
        assert ids(engine, table) == ["young"]
        assert ago(101).date() not in days_of(engine, table)
    assert tend(engine, client).generations.days == ()


def test_what_was_imported_lately_is_kept_however_old_it_is(engine: Engine, client: redis.Redis) -> None:
    workspaces(engine, acme=30)
    record(engine, "imported", 400, recorded=1, state="pending")
    record(engine, "imported long ago", 401, recorded=101)
    tend(engine, client)
    assert ids(engine, "generations") == ["imported"]
    assert ids(engine, "transcripts") == ["imported"]


def test_text_goes_by_the_longest_that_a_workspace_keeps_it(engine: Engine, client: redis.Redis) -> None:
    workspaces(engine, acme=30, brief=1)
    record(engine, "young", 29)
    record(engine, "old", 31.5)
    tended = tend(engine, client)
    assert tended.text.days == (ago(31.5).date(),)
    assert ids(engine, "transcripts") == ["young"]
    assert ids(engine, "generations") == ["old", "young"]


def test_text_of_a_workspace_with_a_shorter_time_goes_alone(engine: Engine, client: redis.Redis) -> None:
    workspaces(engine, acme=30, brief=7)
    record(engine, "acme's", 8)
    record(engine, "brief's old", 8, workspace="brief")
    record(engine, "brief's young", 6.9, workspace="brief")
    record(engine, "brief's import", 20, workspace="brief", recorded=2)
    assert tend(engine, client).transcripts == 1
    assert ids(engine, "transcripts") == ["acme's", "brief's import", "brief's young"]


def test_an_hour_decides_within_a_day(engine: Engine) -> None:
    workspaces(engine, acme=7)
    line_rows.days(engine, ago(7))
    noon = datetime.combine(ago(7).date(), datetime.min.time(), tzinfo=UTC) + timedelta(hours=12)
    with engine.begin() as connection:
        for id_, hours in (("before", -1), ("after", 1)):
            at = noon + timedelta(hours=hours)
            line_rows.generation(connection, "acme", id_, created_at=at)
            line_rows.transcript(connection, "acme", id_, created_at=at)
    assert retention.delete_text(engine, now=noon + timedelta(days=7)) == 1
    assert ids(engine, "transcripts") == ["after"]


def test_where_no_text_is_kept_it_goes_once_every_classification_is_final(engine: Engine, client: redis.Redis) -> None:
    workspaces(engine, none=0, acme=30)
    for state in ("pending", "running", "retrying", "tagged"):
        record(engine, f"none's {state}", 0, workspace="none", state=state)
    record(engine, "acme's tagged", 0)
    with engine.begin() as connection:
        other = line_rows.classifier(connection, "none")
        record_both(connection, other)
    assert tend(engine, client).transcripts == 1
    assert ids(engine, "transcripts") == [
        "acme's tagged",
        "none's half",
        "none's pending",
        "none's retrying",
        "none's running",
    ]


def record_both(connection: Connection, other: object) -> None:
    """One generation that is tagged by one classifier and pending by another."""
    line_rows.generation(connection, "none", "none's half")
    line_rows.transcript(connection, "none", "none's half")
    line_rows.classification(connection, "none", "none's half", "tagged")
    line_rows.classification(connection, "none", "none's half", "pending", classifier=str(other))


def test_text_that_nobody_came_to_read_goes_after_thirty_days(engine: Engine, client: redis.Redis) -> None:
    workspaces(engine, none=0)
    record(engine, "waits", 29, workspace="none", state="pending")
    record(engine, "waited too long", 31.5, workspace="none", state="pending")
    tend(engine, client)
    assert ids(engine, "transcripts") == ["waits"]


def test_comments_go_when_their_workspaces_text_does_and_scores_stay(engine: Engine, client: redis.Redis) -> None:
    workspaces(engine, acme=10, brief=1)
    line_rows.days(engine, ago(5), ago(11))
    with engine.begin() as connection:
        for number, (workspace, age) in enumerate((("acme", 5), ("acme", 11), ("brief", 5), ("brief", 0))):
            line_rows.feedback(connection, workspace, str(number), "g", created_at=ago(age))
        line_rows.feedback(connection, "acme", "late", "g", created_at=ago(11), recorded_at=NOW)
    assert tend(engine, client).comments == 2
    assert retention.delete_comments(engine, now=NOW, batch_rows=1) == 0
    with engine.connect() as connection:
        left = connection.execute(text("select id, score from feedback where comment is not null order by 1")).all()
        assert [tuple(row) for row in left] == [("0", 1.0), ("3", 1.0), ("late", 1.0)]
        assert line_rows.count(connection, "feedback where score = 1") == 5


def test_text_is_deleted_in_bounded_batches(engine: Engine) -> None:
    workspaces(engine, acme=1)
    for number in range(7):
        record(engine, str(number), 3)
    assert retention.delete_text(engine, now=NOW, batch_rows=2) == 7
    assert ids(engine, "transcripts") == []


def test_a_long_reader_holds_a_day_and_the_next_upkeep_drops_it(engine: Engine, client: redis.Redis) -> None:
    workspaces(engine, acme=3650)
    record(engine, "old", 101)
    with engine.connect() as reader:
        reader.execute(text("select count(*) from generations"))
        tended = tend(engine, client)
        assert tended.generations.held == (ago(101).date(),)
        assert tended.generations.days == ()
    assert tend(engine, client).generations.days in ((), (ago(101).date(),))  # a detachment begun is finished first
    assert ago(101).date() not in days_of(engine, "generations")
    assert ids(engine, "generations") == []


def test_one_upkeep_at_a_time(engine: Engine, client: redis.Redis) -> None:
    with engine.connect() as other:
        assert retention.alone(other)
        assert upkeep.tend(engine, client, SETTINGS) is None
        retention.let_others(other)
    assert upkeep.tend(engine, client, SETTINGS) is not None
    assert upkeep.tend(engine, client, SETTINGS) is not None


def test_the_next_upkeep_need_not_wait_for_the_end_of_the_session(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Connection, "invalidate", lambda self: None)
    with engine.connect() as first, engine.connect() as second:
        assert retention.alone(first)
        assert not retention.alone(second)
        retention.let_others(first)
        assert retention.alone(second)


def test_an_upkeep_whose_session_was_ended_lets_others_all_the_same(engine: Engine, client: redis.Redis) -> None:
    with engine.connect() as connection, engine.connect() as other:
        assert retention.alone(connection)
        connection.commit()
        pid = connection.connection.driver_connection.info.backend_pid  # type: ignore[union-attr]
        other.execute(text("select pg_terminate_backend(:pid, 10000)"), {"pid": pid})
        retention.let_others(connection)
    assert upkeep.tend(engine, client, SETTINGS) is not None


def test_rejected_messages_move_into_postgres_once(engine: Engine, client: redis.Redis) -> None:
    refused = Refused(fault=Fault.BODY_NOT_JSON, error="The body is not JSON in utf-8.")
    for number in range(upkeep.REJECTED_AT_ONCE + 1):
        raw = b"message %d \xff" % number
        entry = rejected.to_entry(refused, raw=raw, queue="record", id=str(number), received_at=NOW, body_bytes=100)
        client.lpush(rejected.REJECTED_KEY, entry)
        client.lpush(rejected.REJECTED_KEY, entry)  # as after a pass that was cut off before it took them off
    tend(engine, client)
    assert client.llen(rejected.REJECTED_KEY) == 0
    with engine.connect() as connection:
        rows = set_aside.newest(connection, limit=100)
        (body,) = set_aside.bodies_of(connection, [min(row.id for row in rows)])
    assert len(rows) == upkeep.REJECTED_AT_ONCE + 1
    assert {(row.source, row.queue, row.set_aside_at) for row in rows} == {("broker", "record", NOW)}
    assert rows[0].error == "body_not_json: The body is not JSON in utf-8."
    assert body.body == b"message 0 \xff"


def test_what_the_list_of_rejected_messages_had_no_place_for_is_counted_among_the_losses(
    engine: Engine, client: redis.Redis
) -> None:
    client.set(rejected.TRIMMED_KEY, 5)
    assert upkeep.store_rejected(engine, client) == 0
    client.set(rejected.TRIMMED_KEY, 2)
    upkeep.store_rejected(engine, client)
    upkeep.store_rejected(engine, client)
    with engine.connect() as connection:
        assert connection.execute(text("select reason, generations from losses")).all() == [("rejected_overflow", 7)]


def test_a_count_that_cannot_be_kept_is_kept_for_the_next_time(client: redis.Redis) -> None:
    def fail(trimmed: int) -> None:
        raise ConnectionError("Postgres is away")

    client.set(rejected.TRIMMED_KEY, 5)
    with pytest.raises(ConnectionError):
        rejected.take_trimmed(client, fail)
    counted: list[int] = []
    rejected.take_trimmed(client, counted.append)
    assert counted == [5]
