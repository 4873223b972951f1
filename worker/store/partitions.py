"""Days: each of the four large tables has one partition a day, made ahead by upkeep and on demand by the recorder."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta

from sqlalchemy import Connection, Engine, text

from worker.store.tables import PARTITIONED

DAYS_AHEAD = 3
DAYS_AT_ONCE = 20
LOCK_TIMEOUT_MS = 2_000
_UPKEEP_LOCK = 0x41465441  # "AFTA": one that makes or drops partitions at a time

# A claim is an update of an indexed column, never HOT: vacuum must come by size of the day, not by a fifth of it.
_STORAGE = {
    "generations": "autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_insert_scale_factor = 0.05, fillfactor = 90",
    "transcripts": "autovacuum_vacuum_insert_scale_factor = 0.1",
    "classifications": "autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_cost_limit = 2000, fillfactor = 80",
    "feedback": "autovacuum_vacuum_insert_scale_factor = 0.1",
}


def name_of(table: str, day: date) -> str:
    return f"{table}_{day:%Y%m%d}"


def day_of(partition: str) -> date:
    return datetime.strptime(partition.rsplit("_", 1)[1], "%Y%m%d").replace(tzinfo=UTC).date()


def existing_days(connection: Connection) -> set[date]:
    """The days that all four tables have a partition for; one that is being detached takes no rows any more."""
    rows = connection.execute(
        text("""
        select child.relname from pg_inherits
        join pg_class child on child.oid = inhrelid
        join pg_class parent on parent.oid = inhparent
        where parent.relname = any(:tables) and parent.relnamespace = current_schema()::regnamespace
          and not inhdetachpending
        """),
        {"tables": list(PARTITIONED)},
    ).scalars()
    counted: dict[date, int] = {}
    for name in rows:
        day = day_of(name)
        counted[day] = counted.get(day, 0) + 1
    return {day for day, tables in counted.items() if tables == len(PARTITIONED)}


def names(connection: Connection, table: str) -> list[str]:
    """The partitions of `table`, the oldest first; one that is being detached is left out."""
    rows = connection.execute(
        text("""
        select child.relname from pg_inherits join pg_class child on child.oid = inhrelid
        where inhparent = cast(:table as regclass) and not inhdetachpending order by 1
        """),
        {"table": table},
    )
    return list(rows.scalars())


def days_of(connection: Connection, table: str) -> list[date]:
    """The days that `table` has, the oldest first."""
    return [day_of(name) for name in names(connection, table)]


def days_of_any(connection: Connection, tables: Sequence[str] = PARTITIONED) -> list[date]:
    """The days that any of these tables has a partition for, in order: for what goes through a table day by day."""
    rows = connection.execute(
        text("""
        select distinct child.relname from pg_inherits
        join pg_class child on child.oid = inhrelid
        join pg_class parent on parent.oid = inhparent
        where parent.relname = any(:tables) and parent.relnamespace = current_schema()::regnamespace
        """),
        {"tables": list(tables)},
    )
    return sorted({day_of(name) for name in rows.scalars()})


def make_ahead(engine: Engine, *, today: date) -> int:
    """Make yesterday's to the coming days' partitions; return how many days were missing."""
    return make(engine, (today + timedelta(days=offset) for offset in range(-1, DAYS_AHEAD + 1)))


def make(engine: Engine, days: Iterable[date]) -> int:
    """Make the partitions of `days` that are missing; return how many days were missing.

    Each is created on its own and then attached: that takes a lock beside which inserts go on, where
    `create table … partition of` would stop them. A transaction makes a few days only: each takes some fifteen of the
    6,400 locks that a Postgres holds by default, and an import may bring years.
    """
    wanted = sorted(set(days))
    return sum(
        _make_some(engine, wanted[start : start + DAYS_AT_ONCE]) for start in range(0, len(wanted), DAYS_AT_ONCE)
    )


def _make_some(engine: Engine, wanted: Sequence[date]) -> int:
    with engine.begin() as connection:
        connection.execute(text("select pg_advisory_xact_lock(:lock)"), {"lock": _UPKEEP_LOCK})
        missing = sorted(set(wanted) - existing_days(connection))
        for day in missing:
            _make_day(connection, day)
    return len(missing)


def _make_day(connection: Connection, day: date) -> None:
    for table in PARTITIONED:
        partition = name_of(table, day)
        if _is_attached(connection, table, partition):
            continue
        connection.execute(
            text(
                f"create table {partition} (like {table} including defaults including constraints) with ({_STORAGE[table]})"
            )
        )
        connection.execute(
            text(
                f"alter table {table} attach partition {partition} for values from ('{day}') to ('{day + timedelta(days=1)}')"
            )
        )


def _is_attached(connection: Connection, table: str, partition: str) -> bool:
    """Whether the partition is there for good; what a former dropping left of it goes."""
    found = connection.execute(
        text("""
        select relispartition as attached, coalesce(inhdetachpending, false) as pending
        from pg_class left join pg_inherits on inhrelid = pg_class.oid where pg_class.oid = to_regclass(:name)
        """),
        {"name": partition},
    ).one_or_none()
    if found is None or (found.attached and not found.pending):
        return found is not None
    connection.execute(text(f"set local lock_timeout = {LOCK_TIMEOUT_MS}"))
    if found.pending:
        connection.execute(text(f"alter table {table} detach partition {partition} finalize"))
    connection.execute(text(f"drop table {partition}"))
    connection.execute(text("set local lock_timeout = 0"))
    return False


@contextmanager
def alone(connection: Connection) -> Iterator[None]:
    """Have makers of partitions wait, on a connection in autocommit: they might make anew what is about to be dropped."""
    connection.execute(text("select pg_advisory_lock(:lock)"), {"lock": _UPKEEP_LOCK})
    try:
        yield
    finally:
        if not connection.invalidated:
            connection.execute(text("select pg_advisory_unlock(:lock)"), {"lock": _UPKEEP_LOCK})


def finish_interrupted(connection: Connection, table: str) -> None:
    """Finish detachments that a kill left half done, and drop days that were detached but not dropped."""
    pending = connection.execute(
        text("""
        select inhrelid::regclass::text from pg_inherits
        where inhparent = cast(:table as regclass) and inhdetachpending
        """),
        {"table": table},
    ).scalars()
    for partition in list(pending):
        connection.execute(text(f"alter table {table} detach partition {partition} finalize"))
    orphans = connection.execute(
        text("""
        select relname from pg_class
        where relkind = 'r' and relname ~ :pattern and not relispartition
          and relnamespace = current_schema()::regnamespace
        """),
        {"pattern": f"^{table}_[0-9]{{8}}$"},
    ).scalars()
    for partition in list(orphans):
        connection.execute(text(f"drop table {partition}"))
