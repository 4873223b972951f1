"""How the line stands: what waits and for how long, when something was last completed, what was lost, what it cost."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, Row, text

from worker.store import partitions, spans, unfinished
from worker.store.spans import Span

MOST_DAYS_LOOKED_AT = 14


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """The unfinished classifications of one endpoint; `oldest_wait_seconds` of those that are due, None without any.

    `for_operator` counts rows that wait until a person mends the endpoint's key or credit, by reason.
    """

    endpoint: str
    pending: int
    running: int
    retrying: int
    due: int
    oldest_wait_seconds: float | None
    for_operator: dict[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class LineState:
    """What Postgres knows of the line at `at`, by its own clock. Losses and spend are of the day (UTC) of `at`.

    `last_completion` is of a generation created today or yesterday, or on a day that something still waits of; None
    where there is none. `spend_usd` counts calls whose cost nobody knows as nothing.
    """

    at: datetime
    waiting: tuple[Waiting, ...]
    last_completion: datetime | None
    losses: dict[str, int]
    set_aside: int
    set_aside_today: int
    spend_usd: Decimal
    calls: int

    @property
    def unfinished(self) -> int:
        return sum(one.pending + one.running + one.retrying for one in self.waiting)

    @property
    def due(self) -> int:
        return sum(one.due for one in self.waiting)

    @property
    def oldest_wait_seconds(self) -> float | None:
        return max(
            (one.oldest_wait_seconds for one in self.waiting if one.oldest_wait_seconds is not None), default=None
        )

    @property
    def for_operator(self) -> dict[tuple[str, str], int]:
        """How many rows wait on the operator, by (endpoint, reason)."""
        return {(one.endpoint, reason): rows for one in self.waiting for reason, rows in one.for_operator.items()}

    @property
    def seconds_since_completion(self) -> float | None:
        return None if self.last_completion is None else (self.at - self.last_completion).total_seconds()


def look(connection: Connection) -> LineState:
    """Read how the line stands; unfinished rows by their partial indexes, so that what has ended costs nothing.

    On a connection in autocommit: every day that is kept is looked into, and in one transaction locks on all would add up.
    """
    today = connection.execute(text(_TODAY)).one()
    waiting, days = _waiting(connection)
    rows = connection.execute(text("select reason, generations from losses where day = :day"), {"day": today.day})
    return LineState(
        at=today.at,
        waiting=tuple(waiting),
        last_completion=_last_completion(connection, sorted({*days, today.day, today.day - timedelta(days=1)})),
        losses={row.reason: row.generations for row in rows},
        set_aside=today.set_aside,
        set_aside_today=today.set_aside_today,
        spend_usd=today.spend_usd,
        calls=today.calls,
    )


_TODAY = """
select now() as at, day.day,
       (select count(*) from set_aside where replayed_at is null) as set_aside,
       (select count(*) from set_aside
        where replayed_at is null and set_aside_at >= day.day::timestamp at time zone 'utc') as set_aside_today,
       spend.spend_usd, spend.calls
from (select (now() at time zone 'utc')::date as day) day
cross join lateral (
    select coalesce(sum(cost_usd), 0) as spend_usd, coalesce(sum(calls), 0)::bigint as calls
    from classifier_spend where classifier_spend.day = day.day
) spend
"""


def _waiting(connection: Connection) -> tuple[list[Waiting], list[date]]:
    """What is unfinished, by endpoint, and the newest days that it belongs to."""
    existing = partitions.days_of(connection, "classifications")
    rows: list[Row[Any]] = []
    for span in spans.over(existing, unfinished.days(connection, existing)):
        rows += connection.execute(text(_UNFINISHED), span.bounds)
    found = []
    for endpoint in sorted({row.endpoint for row in rows}):
        own = [row for row in rows if row.endpoint == endpoint]
        for_operator: dict[str, int] = {}
        for row in own:
            if row.state == "pending" and row.reason is not None:
                for_operator[row.reason] = for_operator.get(row.reason, 0) + row.rows
        waits = [row.oldest_wait_seconds for row in own if row.oldest_wait_seconds is not None]
        found.append(
            Waiting(
                endpoint=endpoint,
                pending=sum(row.rows for row in own if row.state == "pending"),
                running=sum(row.rows for row in own if row.state == "running"),
                retrying=sum(row.rows for row in own if row.state == "retrying"),
                due=sum(row.due for row in own),
                oldest_wait_seconds=max(waits, default=None),
                for_operator=for_operator,
            )
        )
    return found, sorted({row.day for row in rows}, reverse=True)[:MOST_DAYS_LOOKED_AT]


_UNFINISHED = """
select endpoint, (created_at at time zone 'utc')::date as day, state, reason, count(*) as rows,
       count(*) filter (where due_at <= now()) as due,
       extract(epoch from now() - min(due_at) filter (where due_at <= now()))::float8 as oldest_wait_seconds
from (
    select endpoint, created_at, state, reason, due_at from classifications
    where state in ('pending', 'retrying') and created_at >= :earliest and created_at < :latest
    union all
    select endpoint, created_at, state, null, null from classifications
    where state = 'running' and created_at >= :earliest and created_at < :latest
) unfinished
group by 1, 2, 3, 4
"""


def _last_completion(connection: Connection, days: Sequence[date]) -> datetime | None:
    found: list[datetime | None] = []
    for day in days:  # each with bounds of its own: joined to a list of days, every day that is kept would be opened
        bounds = Span(first=day, last=day).bounds
        found.append(
            connection.execute(
                text("""
                select max(finished_at) from classifications
                where created_at >= :earliest and created_at < :latest and state in ('tagged', 'failed')
                """),
                bounds,
            ).scalar()
        )
    return max(filter(None, found), default=None)
