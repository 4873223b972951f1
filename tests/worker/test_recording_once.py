"""Once, however often and from however many threads: ids, locks and days, on a real Postgres."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

from sqlalchemy import Engine, text

from tests.worker import line_stage
from tests.worker.line_stage import NOW, count, record, rows, wire
from worker import recording
from worker.line import Line
from worker.recording import Recorded
from worker.store import partitions


def at_once(work: Callable[[int], Recorded], *, threads: int) -> list[Recorded]:
    """Run `work(0)`, `work(1)`, … in threads that begin together."""
    together = Barrier(threads)

    def begin(number: int) -> Recorded:
        together.wait(timeout=30)
        return work(number)

    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(begin, range(threads)))


def new_in(found: Sequence[Recorded]) -> int:
    return sum(len(one.new) for one in found)


def test_a_given_id_is_recorded_once_within_48_hours(line: Line, engine: Engine) -> None:
    line_stage.classifier(engine)
    for hours in (-48, -47.9, 0, 1, 23):
        record(line, wire("1", created_at=NOW + timedelta(hours=hours)))
    assert rows(engine, "select created_at from generations order by 1") == [
        NOW - timedelta(hours=48),
        NOW + timedelta(hours=1),
    ]


def test_a_given_id_may_come_again_after_more_than_48_hours_also_in_one_batch(line: Line, engine: Engine) -> None:
    old = wire("1", created_at=NOW - timedelta(hours=100))
    assert len(record(line, old).new) == 1
    found = record(line, old, wire("1", created_at=NOW - timedelta(hours=50)), wire("1"), wire("1"))
    assert (len(found.new), found.known) == (2, 2)
    assert count(engine, "generations") == 3


def test_an_id_of_the_hooks_own_making_is_recorded_once_for_its_time(line: Line, engine: Engine) -> None:
    made = wire("1", id_given=False)
    assert len(record(line, made, made).new) == 1
    assert len(record(line, made).new) == 0
    assert len(record(line, wire("1", id_given=False, created_at=NOW - timedelta(hours=1))).new) == 1
    assert count(engine, "classifications") == 2


def test_many_threads_recording_the_same_200_given_ids_make_200_rows(line: Line, engine: Engine) -> None:
    line_stage.classifier(engine)
    ids = [str(number) for number in range(200)]

    def deliver(number: int) -> Recorded:
        ordered = ids if number % 2 else ids[::-1]
        delayed = timedelta(minutes=number)
        return record(line, *[wire(id_, created_at=NOW - delayed) for id_ in ordered])

    found = at_once(deliver, threads=8)
    assert new_in(found) == 200
    assert sum(one.known for one in found) == 7 * 200
    assert [count(engine, table) for table in ("generations", "transcripts", "classifications")] == [200] * 3


def test_batches_in_crossed_orders_and_across_workspaces_never_deadlock(line: Line, engine: Engine) -> None:
    ids = [(f"w{number % 5}", str(number)) for number in range(60)]

    def deliver(number: int) -> Recorded:
        ordered = ids[number * 7 :] + ids[: number * 7]
        return record(line, *[wire(id_, workspace=name, id_given=int(id_) % 2 == 0) for name, id_ in ordered])

    for _ in range(5):
        at_once(deliver, threads=6)
    assert count(engine, "generations") == 60
    assert count(engine, "set_aside") == 0


def test_a_batch_of_very_many_small_generations_stays_within_the_locks_of_postgres(line: Line, engine: Engine) -> None:
    assert len(record(line, *[wire(str(number), turns=[]) for number in range(30_000)]).new) == 30_000
    assert count(engine, "generations") == 30_000


def test_three_busy_workers_stay_within_the_locks_that_postgres_holds_by_default(line: Line, engine: Engine) -> None:
    line_stage.classifier(engine)
    partitions.make_ahead(engine, today=NOW.date())
    given = [wire(str(number)) for number in range(recording.AT_ONCE)]
    accepted, _ = recording.check(given, now=NOW, past=timedelta(days=1))
    with engine.begin() as connection:
        recording.write(connection, accepted)
        statement = "select count(*) from pg_locks where pid = pg_backend_pid() and not fastpath"
        held = connection.execute(text(statement)).scalar_one()
    assert held > recording.AT_ONCE, held
    assert held * line.settings.threads * 3 < 64 * 100  # max_locks_per_transaction * max_connections


def test_a_day_that_is_missing_is_made(line: Line, engine: Engine) -> None:
    assert len(record(line, wire("1", created_at=NOW - timedelta(days=20))).new) == 1
    with engine.connect() as connection:
        assert (NOW - timedelta(days=20)).date() in partitions.existing_days(connection)


def test_a_day_that_upkeep_dropped_since_is_made_again(line: Line, engine: Engine) -> None:
    old = NOW - timedelta(days=20)
    record(line, wire("1", created_at=old))
    with engine.begin() as connection:
        for table in ("generations", "transcripts", "classifications"):
            connection.execute(text(f"drop table {partitions.name_of(table, old.date())}"))
    assert len(record(line, wire("2", created_at=old)).new) == 1
    assert count(engine, "set_aside") == 0


def test_several_threads_may_find_the_same_days_missing(line: Line, engine: Engine) -> None:
    def deliver(number: int) -> Recorded:
        times = [NOW - timedelta(days=age) for age in range(10)]
        return record(line, *[wire(f"{number} {time}", created_at=time) for time in times])

    assert new_in(at_once(deliver, threads=6)) == 60
