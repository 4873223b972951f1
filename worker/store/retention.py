"""What is kept and for how long: days of generations, days of text, and text that a workspace keeps for less.

Ages count from `created_at`; what came in late, by an import, counts from when it was recorded, or it would be gone
before anybody saw it.
"""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import OperationalError, SQLAlchemyError

from worker.store import partitions, spans
from worker.store.spans import Span, midnight

BATCH_ROWS = 5_000
UNREAD_TEXT_DAYS = 30
"""How long text waits for its classification in a workspace that keeps none afterwards."""

_LOCK = 0x41465442  # "AFTB": one upkeep at a time
_LOCK_NOT_AVAILABLE = "55P03"


@dataclass(frozen=True, slots=True, kw_only=True)
class Dropped:
    """Days whose partitions went, and days that a long reader held, which the next upkeep drops."""

    days: tuple[date, ...] = ()
    held: tuple[date, ...] = ()


def drop_generations(engine: Engine, *, keep_days: int, now: datetime) -> Dropped:
    """Drop days of generations, classifications and feedback, and of any text of theirs, that are older than `keep_days`."""
    with engine.connect() as connection:
        days = _expired_days(connection, "generations", now=now, keep_days=keep_days)
        days |= _expired_days(connection, "classifications", now=now, keep_days=keep_days)
        days |= _expired_days(connection, "feedback", now=now, keep_days=keep_days)
    # Generations last: while their day stands, an upkeep that was cut off finds the rest of it again.
    tables = ("transcripts", "feedback", "classifications", "generations")
    dropped = [_drop(engine, table, sorted(days)) for table in tables]
    held = {day for one in dropped for day in one.held}
    return Dropped(days=tuple(sorted(days - held)), held=tuple(sorted(held)))


def drop_text(engine: Engine, *, now: datetime) -> Dropped:
    """Drop days of text older than the longest that any workspace keeps it."""
    with engine.connect() as connection:
        longest = connection.execute(
            text("select max(case keep_text_days when 0 then :unread else keep_text_days end) from workspaces"),
            {"unread": UNREAD_TEXT_DAYS},
        ).scalar()
        days = _expired_days(connection, "transcripts", now=now, keep_days=longest) if longest is not None else set()
    return _drop(engine, "transcripts", sorted(days))


def delete_text(engine: Engine, *, now: datetime, batch_rows: int = BATCH_ROWS) -> int:
    """Delete the text of workspaces that keep it for less than the longest, day by day; return how many transcripts.

    A workspace that keeps no text loses it when all its classifications are final (the outcome's write does that;
    here goes what was left over), and after 30 days in any case.
    """
    with engine.connect() as connection:
        days = partitions.days_of(connection, "transcripts")
        kept = {
            row.id: row.keep_text_days for row in connection.execute(text("select id, keep_text_days from workspaces"))
        }
    cutoffs = {workspace: now - timedelta(days=days_kept or UNREAD_TEXT_DAYS) for workspace, days_kept in kept.items()}
    deleted = 0
    for start in map(midnight, sorted(days)):
        with engine.connect() as connection:
            named = [name for name in kept if cutoffs[name] > start or kept[name] == 0]
            present = _with_text(connection, named, start)
        for workspace in present:
            if cutoffs[workspace] > start:
                deleted += _delete_expired(engine, workspace, start, cutoffs[workspace], batch_rows)
            if kept[workspace] == 0:
                deleted += _delete_read(engine, workspace, start, batch_rows)
    return deleted


def delete_comments(engine: Engine, *, now: datetime, batch_rows: int = BATCH_ROWS) -> int:
    """Empty the comments of feedback that is older than its workspace keeps text; return how many.

    What came in late counts from when it was recorded. The score stays as long as the record.
    """
    with engine.connect() as connection:
        several = spans.of(connection, "feedback")
    return sum(_delete_comments(engine, span, now=now, batch_rows=batch_rows) for span in several)


def _delete_comments(engine: Engine, span: Span, *, now: datetime, batch_rows: int) -> int:
    emptied = 0
    while True:
        with engine.begin() as connection:
            rows = connection.execute(
                text("""
                with expired as (
                    select f.workspace, f.id, f.created_at from workspaces w
                    join feedback f on f.workspace = w.id and f.comment is not null
                        and f.created_at < cast(:now as timestamptz) - make_interval(days => w.keep_text_days)
                    where f.recorded_at < cast(:now as timestamptz) - make_interval(days => w.keep_text_days)
                      and f.created_at >= :earliest and f.created_at < :latest
                    order by f.workspace, f.id, f.created_at limit :batch_rows for update of f skip locked)
                update feedback f set comment = null from expired
                where f.workspace = expired.workspace and f.id = expired.id and f.created_at = expired.created_at
                  and f.created_at >= :earliest and f.created_at < :latest
                """),
                {"now": now, "batch_rows": batch_rows, **span.bounds},
            ).rowcount
        emptied += rows
        if rows < batch_rows:
            return emptied


def alone(connection: Connection) -> bool:
    """Take upkeep's lock until `let_others`, or the connection's end; False when another upkeep has it."""
    return bool(connection.execute(text("select pg_try_advisory_lock(:lock)"), {"lock": _LOCK}).scalar_one())


def let_others(connection: Connection) -> None:
    """Give the lock back, so that the next upkeep may begin at once: Postgres takes its time to see that a session ended."""
    with suppress(SQLAlchemyError):  # a session that cannot say so is gone, or goes now, and the lock with it
        connection.execute(text("select pg_advisory_unlock(:lock)"), {"lock": _LOCK})
    connection.invalidate()  # in no case may the lock go back to the pool with its session


def _with_text(connection: Connection, workspaces: Sequence[str], day: datetime) -> list[str]:
    rows = connection.execute(
        text("""
        select name from unnest(cast(:workspaces as text[])) as name
        where exists (select from transcripts
                      where workspace = name and created_at >= :earliest and created_at < :latest)
        order by name
        """),
        {"workspaces": list(workspaces), "earliest": day, "latest": day + timedelta(days=1)},
    )
    return list(rows.scalars())


def _delete_expired(engine: Engine, workspace: str, day: datetime, cutoff: datetime, batch_rows: int) -> int:
    return _in_batches(
        engine,
        """
        select t.workspace, t.generation_id, t.created_at from transcripts t
        where t.workspace = :workspace and t.created_at >= :earliest and t.created_at < :latest
          and not exists (
            select from generations g
            where g.workspace = t.workspace and g.id = t.generation_id and g.created_at = t.created_at
              and g.created_at >= :earliest and g.created_at < :latest and g.recorded_at >= :cutoff)
        """,
        workspace=workspace,
        earliest=day,
        latest=min(day + timedelta(days=1), cutoff),
        cutoff=cutoff,
        batch_rows=batch_rows,
    )


def _delete_read(engine: Engine, workspace: str, day: datetime, batch_rows: int) -> int:
    return _in_batches(
        engine,
        """
        select t.workspace, t.generation_id, t.created_at from transcripts t
        where t.workspace = :workspace and t.created_at >= :earliest and t.created_at < :latest
          and not exists (
            select from classifications c
            where c.workspace = t.workspace and c.generation_id = t.generation_id and c.created_at = t.created_at
              and c.created_at >= :earliest and c.created_at < :latest
              and c.state in ('pending', 'running', 'retrying'))
        """,
        workspace=workspace,
        earliest=day,
        latest=day + timedelta(days=1),
        batch_rows=batch_rows,
    )


def _in_batches(engine: Engine, select: str, *, batch_rows: int, **given: object) -> int:
    """Delete what `select` finds, a transaction for each batch, rows locked in key order; what others hold waits."""
    deleted = 0
    while True:
        with engine.begin() as connection:
            rows = connection.execute(
                text(f"""
                with gone as ({select}
                    order by t.workspace, t.generation_id, t.created_at limit :batch_rows for update of t skip locked)
                delete from transcripts t using gone
                where t.workspace = gone.workspace and t.generation_id = gone.generation_id
                  and t.created_at = gone.created_at and t.created_at >= :earliest and t.created_at < :latest
                """),  # noqa: S608 - one of the two statements above
                {"batch_rows": batch_rows, **given},
            ).rowcount
        deleted += rows
        if rows < batch_rows:
            return deleted


def _expired_days(connection: Connection, table: str, *, now: datetime, keep_days: int) -> set[date]:
    """The days of `table` that ended `keep_days` ago and of which nothing was recorded since."""
    cutoff = now - timedelta(days=keep_days)
    old = [day for day in partitions.days_of(connection, table) if day < cutoff.astimezone(UTC).date()]
    return {day for day in old if not _recorded_since(connection, day, cutoff)}


def _recorded_since(connection: Connection, day: date, cutoff: datetime) -> bool:
    return bool(
        connection.execute(
            text("""
            select exists (select from generations
                           where created_at >= :earliest and created_at < :latest and recorded_at >= :cutoff)
            """),
            {"earliest": midnight(day), "latest": midnight(day) + timedelta(days=1), "cutoff": cutoff},
        ).scalar_one()
    )


def _drop(engine: Engine, table: str, days: Sequence[date]) -> Dropped:
    """Drop these days of `table`. Detaching concurrently leaves readers and writers alone.

    Behind a long reader it gives up after two seconds; the next upkeep finishes what was begun.
    """
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text(f"set lock_timeout = {partitions.LOCK_TIMEOUT_MS}"))
        dropped: list[date] = []
        try:
            with partitions.alone(connection):
                partitions.finish_interrupted(connection, table)
            present = set(partitions.names(connection, table))
            for day in days:
                name = partitions.name_of(table, day)
                if name in present:
                    with partitions.alone(connection):
                        connection.execute(text(f"alter table {table} detach partition {name} concurrently"))
                        connection.execute(text(f"drop table {name}"))
                dropped.append(day)
        except OperationalError as error:
            if getattr(error.orig, "sqlstate", None) != _LOCK_NOT_AVAILABLE:
                raise
        finally:
            if not connection.invalidated:
                connection.execute(text("set lock_timeout = 0"))
    return Dropped(days=tuple(dropped), held=tuple(days[len(dropped) :]))
