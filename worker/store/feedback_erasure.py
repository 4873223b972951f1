"""Erasing feedback of a workspace, or what one user gave and was given, a day and a batch at a time."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta

from sqlalchemy import Engine, text

from worker.store.feedback import BEFORE_ITS_GENERATION

ONE_DAY = timedelta(days=1)


@dataclass(slots=True, kw_only=True)
class _About:
    """Ids of a user's generations, some at a time; `since`: when the first of them was."""

    since: datetime
    ids: list[str] = field(default_factory=list)


def erase(engine: Engine, workspace: str, user: str | None, *, days: Sequence[date], batch_rows: int) -> int:
    """Return how many were erased: all of the workspace's, or those that the user gave and those on the user's generations.

    A statement looks into one day. Days are gone through once, and of a user once more for each `batch_rows` generations.
    """
    gone = sum(_erase_day(engine, day, _GIVEN, batch_rows, workspace=workspace, user=user) for day in days)
    if user is None:
        return gone
    for about in _generations(engine, workspace, user, days, batch_rows):
        for day in days:
            if _begin(day) + ONE_DAY > about.since - BEFORE_ITS_GENERATION:
                gone += _erase_day(engine, day, _ABOUT, batch_rows, workspace=workspace, user=user, ids=about.ids)
    return gone


def _erase_day(engine: Engine, day: date, which: str, batch_rows: int, **given: object) -> int:
    given |= {"earliest": _begin(day), "latest": _begin(day) + ONE_DAY, "batch_rows": batch_rows}
    after = {"after_id": "", "after_at": _begin(day)}
    statement = text(_ERASE.format(which=which))
    erased = 0
    while True:
        with engine.begin() as connection:
            batch = connection.execute(statement, given | after).one()
        erased += int(batch.gone)
        if batch.seen < batch_rows:
            return erased
        after = {"after_id": batch.last_id, "after_at": batch.last_at}


def _generations(engine: Engine, workspace: str, user: str, days: Sequence[date], batch_rows: int) -> Iterator[_About]:
    """The user's generations, so many at a time, of as many days as it takes."""
    some: _About | None = None
    for day in days:
        after = ""
        while True:
            bounds = {"earliest": _begin(day), "latest": _begin(day) + ONE_DAY}
            page = {"after": after, "limit": batch_rows - len(some.ids) if some else batch_rows}
            with engine.connect() as connection:
                found = connection.execute(text(_IDS), {"workspace": workspace, "user": user} | bounds | page).scalars()
                ids = list(found)
            if ids:
                some = some or _About(since=_begin(day))
                some.ids += ids
            if some is None or len(some.ids) < batch_rows:
                break
            yield some
            some, after = None, ids[-1]
    if some:
        yield some


def _begin(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)


_GIVEN = "(cast(:user as text) is null or user_id = :user)"
_ABOUT = "generation_id = any(:ids)"

# Read in the order of the primary key from where the last batch ended: a day is read once, not once a batch.
_ERASE = """
with page as materialized (
    select id, created_at from feedback
    where workspace = :workspace and created_at >= :earliest and created_at < :latest and {which}
      and (id, created_at) > (:after_id, :after_at)
    order by id, created_at limit :batch_rows
), gone as (
    delete from feedback f using page
    where f.workspace = :workspace and f.created_at >= :earliest and f.created_at < :latest
      and f.id = page.id and f.created_at = page.created_at
    returning 1
)
select (select count(*) from gone) as gone, (select count(*) from page) as seen,
       (select id from page order by id desc, created_at desc limit 1) as last_id,
       (select created_at from page order by id desc, created_at desc limit 1) as last_at
"""

_IDS = """
select distinct id from generations
where workspace = :workspace and user_id = :user and created_at >= :earliest and created_at < :latest and id > :after
order by id limit :limit
"""
