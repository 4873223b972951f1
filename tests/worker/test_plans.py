"""The line's statements look into the days they are about, by index, however many ids they carry.

Without constant bounds on created_at 1,000 ids cost 94 sequential scans and 2.1 s.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from uuid import UUID, uuid4

import pytest
from sqlalchemy import Connection, Engine, text

from tests.conftest import database
from tests.worker import line_stage, plans
from tests.worker.asking import call, tagged
from tests.worker.line_stage import EVER
from tests.worker.plans import Plan
from worker import generation
from worker.recording import plan as planned
from worker.store import claims, late_text, outcomes, partitions, recording
from worker.store import engine as engines
from worker.store import known as known_rows
from worker.store.outcomes import Ended
from worker.store.recording import Key, Row

DAYS = 20
ROWS_A_DAY = 3_000
LAST = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
SIZES = [1, 32, 5_000]

FILL = """
with numbers as (
    select n, :last - make_interval(days => n % :days) + make_interval(secs => n / :days) as created_at
    from generate_series(0, :total - 1) n
), generation as (
    insert into generations (workspace, id, created_at, metadata)
    select 'acme', 'g' || n, created_at,
           case when n % :days < 2 then jsonb_build_object('note', repeat(md5(n::text), 30)) else '{}' end
    from numbers
), transcript as (
    insert into transcripts (workspace, generation_id, created_at, turns, tools)
    select 'acme', 'g' || n, created_at, jsonb_build_array(jsonb_build_array('user', repeat('x', 200), null, null)), '{}'
    from numbers
)
insert into classifications (workspace, generation_id, created_at, classifier_id, version, endpoint, state, due_at)
select 'acme', 'g' || n, created_at, :classifier, 1, 'local', 'pending', now() - interval '1 minute' from numbers
"""


@pytest.fixture(scope="module")
def filled(postgres_url: str, migrated_template: str) -> Iterator[Engine]:
    """Twenty days of 3,000 pending generations, known to the planner.

    The newest two, which the tests are about, are as wide as ordinary ones: narrow ones it reads whole for 32 keys, once
    autovacuum has counted what the tests before left.
    """
    with database(postgres_url, template=migrated_template) as url:
        engine = engines.connect(url)
        try:
            fill(engine)
            yield engine
        finally:
            engine.dispose()


def fill(engine: Engine) -> None:
    partitions.make(engine, {(LAST - timedelta(days=age)).date() for age in range(-2, DAYS + 3)})
    classifier = line_stage.classifier(engine).id
    with engine.begin() as connection:
        given = {"last": LAST, "days": DAYS, "total": DAYS * ROWS_A_DAY, "classifier": classifier}
        connection.execute(text(FILL), given)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("vacuum analyze"))


def keys(size: int, *, days: int) -> list[Key]:
    """Keys that are there, spread over the newest `days`."""
    return [
        ("acme", f"g{n}", LAST - timedelta(days=n % DAYS) + timedelta(seconds=n // DAYS))
        for n in range(DAYS * ROWS_A_DAY)
        if n % DAYS < days
    ][:size]


def days_of(table: str, *ages: int) -> set[str]:
    return {partitions.name_of(table, (LAST - timedelta(days=age)).date()) for age in ages}


def generations(size: int, *, days: int, known: bool) -> list[generation.Generation]:
    documents = (
        line_stage.wire(id_ if known else f"new-{id_}", created_at=created_at)
        for _, id_, created_at in keys(size, days=days)
    )
    return [generation.read(one, now=LAST, past=timedelta(days=60)) for one in documents]


def rows_of(connection: Connection, some: Sequence[generation.Generation]) -> list[Row]:
    return planned(connection, some)


def claimed(connection: Connection, wanted: Sequence[Key], token: UUID) -> list[claims.Claimed]:
    return claims.claim(connection, wanted, endpoint="local", token=token, lease_seconds=60)


def check(plan: Plan, *, size: int, ages: Sequence[int], tables: int) -> None:
    allowed = set().union(*(days_of(table, *ages) for table in ("generations", "transcripts", "classifications")))
    assert plan.partitions <= allowed, str(plan)
    assert plan.sequential == set(), str(plan)
    assert plan.rows_read <= (tables + 1) * size, str(plan)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("days", [1, 2])
def test_a_claim_looks_into_the_days_of_its_keys_by_index(filled: Engine, size: int, days: int) -> None:
    wanted = keys(size, days=days)
    [plan] = plans.of(filled, lambda connection: claimed(connection, wanted, uuid4()))
    check(plan, size=len(wanted), ages=range(days), tables=3)
    assert len({name.split("_")[0] for name in plan.partitions}) == 2


@pytest.mark.parametrize("size", SIZES)
def test_writing_outcomes_looks_into_the_days_of_its_keys_by_index(filled: Engine, size: int) -> None:
    wanted, token = keys(size, days=2), uuid4()

    def write(connection: Connection) -> None:
        outcomes.write(connection, ended)

    with filled.connect() as connection, connection.begin() as transaction:
        found = claimed(connection, wanted, token)
        assert len(found) == len(wanted)
        ended = [Ended(claimed=one, outcome=tagged(department="legal"), call=call("0.01")) for one in found]
        transaction.commit()
    try:
        sent = plans.of(filled, write)
    finally:
        with filled.begin() as connection:
            connection.execute(text("update classifications set state = 'pending' where state = 'running'"))
    assert len(sent) == 4
    for plan in sent:
        check(plan, size=len(wanted), ages=(0, 1), tables=3)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("known", [True, False])
def test_looking_for_given_ids_stays_within_48_hours_and_by_index(filled: Engine, size: int, known: bool) -> None:
    some = generations(size, days=1, known=known)
    with filled.connect() as connection:
        rows = rows_of(connection, some)

    def look(connection: Connection) -> None:
        known_rows.already_recorded(connection, rows)

    [plan] = plans.of(filled, look)
    check(plan, size=len(some), ages=(-2, -1, 0, 1, 2), tables=1)


@pytest.mark.parametrize("size", SIZES)
def test_inserting_goes_into_the_days_of_its_rows_only(filled: Engine, size: int) -> None:
    some = generations(size, days=2, known=False)
    with filled.connect() as connection:
        rows = rows_of(connection, some)
    sent = plans.of(filled, lambda connection: recording.insert(connection, rows))
    assert sent
    for plan in sent:
        assert plan.partitions == set()


@pytest.mark.parametrize("size", SIZES)
def test_taking_up_late_text_looks_into_the_days_of_its_rows_by_index(filled: Engine, size: int) -> None:
    some = generations(size, days=2, known=True)
    with filled.connect() as connection:
        rows = rows_of(connection, some)
    sent = plans.of(filled, lambda connection: late_text.take_up(connection, rows))
    assert sent
    for plan in sent:
        check(plan, size=len(some), ages=(0, 1), tables=3)


@contextmanager
def unfinished(engine: Engine, number: int, change: str) -> Iterator[None]:
    """Leave only `number` classifications unfinished, changed by `change`, over as many days as there are; all again after."""
    with engine.begin() as connection:
        connection.execute(text("update classifications set state = 'tagged', due_at = null"))
        few = [f"g{n}" for n in range(number - 1)] + [f"g{DAYS - 1}"]  # the newest days, and the oldest
        statement = f"update classifications set {change} where generation_id = any(:few)"  # noqa: S608 - the tests' own
        connection.execute(text(statement), {"few": few})
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("vacuum analyze classifications"))
    try:
        yield
    finally:
        with engine.begin() as connection:
            connection.execute(
                text("""
                update classifications
                set state = 'pending', due_at = now() - interval '1 minute', lease_until = null, lost_leases = 0
                """)
            )


@pytest.mark.parametrize("number", [1, 2, 32, 1_000])
@pytest.mark.parametrize("lost_leases", [0, 2])
def test_taking_back_lost_leases_reads_the_lost_by_index(filled: Engine, number: int, lost_leases: int) -> None:
    lost = f"state = 'running', lease_until = now() - interval '1 second', lost_leases = {lost_leases}"
    with unfinished(filled, number, lost):
        sent = plans.of(filled, partial(claims.take_back_lost_leases, span=EVER))
    check_sweep(sent, number)


@pytest.mark.parametrize("number", [1, 2, 32, 1_000])
def test_ringing_again_and_the_oldest_waits_read_the_due_by_index(filled: Engine, number: int) -> None:
    def stamp(connection: Connection) -> None:
        claims.stamp_due(connection, EVER, endpoint="local", ring_again_seconds=30, limit=10_000)

    with unfinished(filled, number, "state = 'pending', due_at = now() - interval '1 minute'"):
        sent = plans.of(filled, stamp)
        [waits] = plans.of(filled, partial(claims.oldest_waits, span=EVER))
        [refusing] = plans.of(filled, partial(claims.is_refusing, span=EVER, endpoint="local", lately_seconds=30))
    check_sweep(sent, number)
    assert waits.sequential == set(), str(waits)
    assert waits.rows_read <= 4 * DAYS, str(waits)
    assert refusing.sequential == set(), str(refusing)
    assert refusing.rows_read <= number, str(refusing)


def check_sweep(sent: Sequence[Plan], number: int) -> None:
    """One statement finds `number` rows, one for each of their days changes them, and none reads anything else."""
    assert len(sent) == 1 + min(number, DAYS)
    for plan in sent:
        assert plan.sequential == set(), str(plan)
        assert plan.rows_read <= number, str(plan)
    assert all(len(plan.partitions) == 1 for plan in sent[1:])


def test_the_oldest_wait_of_a_whole_backlog_is_found_without_reading_it(filled: Engine) -> None:
    [plan] = plans.of(filled, partial(claims.oldest_waits, span=EVER))
    assert plan.sequential == set(), str(plan)
    assert plan.rows_read <= 4 * DAYS, str(plan)
