"""Days: made ahead, on demand and by several at once; dropped without holding anybody up."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from threading import Barrier

import pytest
from sqlalchemy import Engine, text

from tests.waiting import wait_until
from tests.worker import line_rows, line_stage
from tests.worker.line_stage import record, rows, wire
from tests.worker.meeting import wait_until_somebody_waits
from worker import recording
from worker.line import Line
from worker.store import partitions, retention
from worker.store.tables import PARTITIONED

TODAY = datetime.now(UTC).date()
OLD = TODAY - timedelta(days=500)


def attached(engine: Engine, table: str) -> list[str]:
    return rows(
        engine,
        """
        select child.relname from pg_inherits join pg_class child on child.oid = inhrelid
        where inhparent = cast(:table as regclass) order by 1
        """,
        table=table,
    )


def drop_old(engine: Engine) -> retention.Dropped:
    return retention.drop_generations(engine, keep_days=100, now=datetime.now(UTC))


def test_the_days_from_yesterday_to_three_days_ahead_are_made_once(engine: Engine) -> None:
    assert partitions.make_ahead(engine, today=TODAY) == 5
    assert partitions.make_ahead(engine, today=TODAY) == 0
    assert partitions.make_ahead(engine, today=TODAY + timedelta(days=1)) == 1
    expected = [partitions.name_of("generations", TODAY + timedelta(days=offset)) for offset in range(-1, 5)]
    assert attached(engine, "generations") == expected


def test_days_at_midnight_go_into_their_own_partition(engine: Engine) -> None:
    partitions.make(engine, {date(2026, 2, 28), date(2026, 3, 1)})
    with engine.begin() as connection:
        line_rows.workspace(connection, "acme")
        for id_, time in (("last", "2026-02-28T23:59:59.999999+00:00"), ("first", "2026-03-01T00:00:00+00:00")):
            line_rows.generation(connection, "acme", id_, created_at=datetime.fromisoformat(time))
    assert rows(engine, "select tableoid::regclass::text, id from generations order by 1") == [
        ("generations_20260228", "last"),
        ("generations_20260301", "first"),
    ]


def test_years_of_days_are_made_in_one_call(engine: Engine) -> None:
    days = {TODAY - timedelta(days=age) for age in range(500)}
    assert partitions.make(engine, days) == 500
    with engine.connect() as connection:
        assert partitions.existing_days(connection) == days


def test_several_makers_at_once_make_each_day_once(engine: Engine) -> None:
    together = Barrier(4)

    def make(number: int) -> int:
        together.wait(timeout=30)
        return partitions.make(engine, {TODAY + timedelta(days=offset) for offset in range(number, number + 10)})

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(make, range(4))) == 13


def test_making_a_day_does_not_wait_for_readers_or_writers(line: Line, engine: Engine) -> None:
    record(line, wire("1"))
    with engine.begin() as busy:
        busy.execute(text("select count(*) from generations"))
        busy.execute(text("update generations set app = 'x'"))
        with ThreadPoolExecutor(1) as pool:
            assert pool.submit(partitions.make, engine, {OLD}).result(timeout=30) == 1


def test_every_partition_has_its_own_vacuum_settings_and_the_indexes_of_its_table(engine: Engine) -> None:
    partitions.make(engine, {TODAY})
    for table in PARTITIONED:
        name = partitions.name_of(table, TODAY)
        [options] = rows(engine, "select reloptions from pg_class where relname = :name", name=name)
        assert any(option.startswith("autovacuum_vacuum") for option in options)
        [own, declared] = [
            rows(engine, "select count(*) from pg_indexes where tablename = :name", name=one)[0]
            for one in (name, table)
        ]
        assert own == declared
    [options] = rows(
        engine,
        "select reloptions from pg_class where relname = :name",
        name=partitions.name_of("classifications", TODAY),
    )
    assert "fillfactor=80" in options  # a claim is never HOT


def test_dropping_a_day_waits_for_a_long_reader_and_no_writer_waits_for_it(
    line: Line, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        partitions, "LOCK_TIMEOUT_MS", 60_000
    )  # what becomes of one that gives up: test_store_retention
    partitions.make(engine, {OLD})
    record(line, wire("0"))
    with ThreadPoolExecutor(1) as pool, engine.connect() as reader:
        reader.execute(text("select count(*) from generations, classifications, transcripts"))
        dropping = pool.submit(drop_old, engine)
        wait_until_somebody_waits(engine, what="a detachment behind the reader")
        for number in range(10):
            record(line, wire(f"w{number}"))
        assert not dropping.done()
        reader.rollback()
        assert dropping.result(timeout=60).days == (OLD,)
    for table in PARTITIONED:
        assert partitions.name_of(table, OLD) not in attached(engine, table)


def test_a_detachment_that_was_cut_off_is_finished(engine: Engine) -> None:
    partitions.make(engine, {OLD})
    name = cut_off_detaching(engine)
    with engine.execution_options(isolation_level="AUTOCOMMIT").connect() as connection:
        partitions.finish_interrupted(connection, "transcripts")
    assert rows(engine, "select to_regclass(:name) is null", name=name) == [True]


def test_a_day_whose_detachment_was_cut_off_takes_rows_again(line: Line, engine: Engine) -> None:
    line_stage.classifier(engine)
    partitions.make(engine, {OLD})
    cut_off_detaching(engine)
    with engine.connect() as connection:
        assert partitions.existing_days(connection) == set()
    old = datetime(OLD.year, OLD.month, OLD.day, 12, tzinfo=UTC)
    documents = [wire("1", created_at=old)]
    accepted, _ = recording.check(documents, now=old, past=timedelta(days=1))
    partitions.make(engine, {OLD})
    with engine.begin() as connection:
        recording.write(connection, accepted)
    assert rows(engine, "select count(*) from transcripts") == [1]


def test_a_day_that_was_detached_and_not_dropped_takes_rows_again(engine: Engine) -> None:
    partitions.make(engine, {OLD})
    with engine.begin() as connection:
        connection.execute(text(f"alter table generations detach partition {partitions.name_of('generations', OLD)}"))
    partitions.make(engine, {OLD})
    with engine.connect() as connection:
        assert partitions.existing_days(connection) == {OLD}


def test_who_makes_days_waits_for_who_drops_one(engine: Engine) -> None:
    with (
        ThreadPoolExecutor(1) as pool,
        engine.execution_options(isolation_level="AUTOCOMMIT").connect() as dropping,
    ):
        with partitions.alone(dropping):
            making = pool.submit(partitions.make, engine, {OLD})
            wait_until(lambda: rows(engine, "select from pg_locks where locktype = 'advisory' and not granted"))
            assert not making.done()
        assert making.result(timeout=30) == 1


def cut_off_detaching(engine: Engine) -> str:
    """Leave the old day's transcripts half detached, as a killed upkeep does; return their partition."""
    name = partitions.name_of("transcripts", OLD)
    autocommit = engine.execution_options(isolation_level="AUTOCOMMIT")
    with engine.connect() as reader, autocommit.connect() as killed:
        reader.execute(text("select count(*) from transcripts"))
        pid = killed.execute(text("select pg_backend_pid()")).scalar_one()
        with ThreadPoolExecutor(1) as pool:
            detaching = pool.submit(
                killed.execute, text(f"alter table transcripts detach partition {name} concurrently")
            )
            wait_until(lambda: rows(engine, "select inhdetachpending from pg_inherits where inhdetachpending"))
            rows(engine, "select pg_terminate_backend(:pid)", pid=pid)
            assert detaching.exception(timeout=30) is not None
        killed.invalidate()
        reader.rollback()
    return name


def test_a_day_that_was_detached_and_not_dropped_goes_too(engine: Engine) -> None:
    partitions.make(engine, {OLD, TODAY})
    name = partitions.name_of("generations", OLD)
    autocommit = engine.execution_options(isolation_level="AUTOCOMMIT")
    with autocommit.connect() as connection:
        connection.execute(text(f"alter table generations detach partition {name}"))
        partitions.finish_interrupted(connection, "generations")
    assert rows(engine, "select to_regclass(:name) is null", name=name) == [True]
    assert attached(engine, "generations") == [partitions.name_of("generations", TODAY)]
