"""Spans of days: what is about many days goes from span to span, because Postgres locks every day that a statement may touch.

A day has fourteen relations in the four large tables, and by default a server has 6,400 locks for everyone:
over 1,500 days two statements without bounds took them all, and then nobody got any.
"""

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import TypeVar

from sqlalchemy import Connection

from worker.store import partitions

DAYS_IN_A_SPAN = 20

One = TypeVar("One")


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Span:
    """Whole days, from the first to the last one."""

    first: date
    last: date

    @property
    def bounds(self) -> dict[str, datetime]:
        """For a statement's `created_at >= :earliest and created_at < :latest`."""
        return {"earliest": midnight(self.first), "latest": midnight(self.last + timedelta(days=1))}


def of(connection: Connection, table: str) -> list[Span]:
    """Return spans that together hold every day of `table`, the oldest first."""
    existing = partitions.days_of(connection, table)
    return over(existing, existing)


def over(existing: Sequence[date], wanted: Collection[date]) -> list[Span]:
    """Return spans that hold the wanted ones of the `existing` days (in their order), each at most twenty of these."""
    spans: list[Span] = []
    places = [place for place, day in enumerate(existing) if day in wanted]
    while places:
        within = [place for place in places if place < places[0] + DAYS_IN_A_SPAN]
        spans.append(Span(first=existing[within[0]], last=existing[within[-1]]))
        places = places[len(within) :]
    return spans


def grouped(given: Sequence[One], created_at: Callable[[One], datetime]) -> Iterator[Sequence[One]]:
    """Yield `given` in parts that are each within twenty days: as it is where it is that, as nearly always."""
    days = [_day(created_at(one)) for one in given] if len(given) > 1 else []
    if not days or (max(days) - min(days)).days < DAYS_IN_A_SPAN:
        yield given
        return
    part: list[One] = []
    for one in sorted(given, key=created_at):
        if part and (_day(created_at(one)) - _day(created_at(part[0]))).days >= DAYS_IN_A_SPAN:
            yield part
            part = []
        part.append(one)
    yield part


def _day(moment: datetime) -> date:
    return moment.astimezone(UTC).date()


def midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)
