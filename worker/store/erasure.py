"""Erasing what is recorded of a workspace, or of one user of it, set-aside messages and feedback included."""

import json
from dataclasses import dataclass, fields
from datetime import UTC, date, datetime, timedelta

from sqlalchemy import Connection, Engine, text

from worker.store import feedback_erasure, partitions

BATCH_ROWS = 2_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Erased:
    """How many rows there are to erase, or were erased, of each kind."""

    generations: int = 0
    transcripts: int = 0
    classifications: int = 0
    feedback: int = 0
    set_aside: int = 0

    def __add__(self, other: "Erased") -> "Erased":
        return Erased(**{one.name: getattr(self, one.name) + getattr(other, one.name) for one in fields(self)})

    @property
    def rows(self) -> int:
        return sum(getattr(self, one.name) for one in fields(self))


def count(connection: Connection, workspace: str, *, user: str | None = None) -> Erased:
    """How many rows `erase` would take."""
    row = connection.execute(text(_COUNT_OF_USER if user is not None else _COUNT), _given(workspace, user)).one()
    return Erased(**row._mapping)


def erase(engine: Engine, workspace: str, *, user: str | None = None, batch_rows: int = BATCH_ROWS) -> Erased:
    """Erase day by day in bounded batches: feedback first, then a generation with its text and tags in one transaction.

    Of one user also goes the feedback that others gave on their generations, and that they gave on others'.
    What a running call brings back afterwards finds no row and is dropped. Of one user, set-aside messages that name
    the user go too; one whose body was cut or is not readable as text cannot be looked into.
    """
    with engine.connect() as connection:
        days = partitions.days_of_any(connection)
    # Feedback first: cut off in between, the generations that it is about are still there to find the rest by.
    erased = Erased(feedback=feedback_erasure.erase(engine, workspace, user, days=days, batch_rows=batch_rows))
    for day in days:
        erased += _erase_day(engine, workspace, user, day, batch_rows)
    statement = f"delete from set_aside where {_set_aside(user)}"  # noqa: S608 - one of our two conditions
    with engine.begin() as connection:
        gone = connection.execute(text(statement), _given(workspace, user)).rowcount
    return erased + Erased(set_aside=gone)


def _erase_day(engine: Engine, workspace: str, user: str | None, day: date, batch_rows: int) -> Erased:
    start = datetime(day.year, day.month, day.day, tzinfo=UTC)
    bounds = {"workspace": workspace, "earliest": start, "latest": start + timedelta(days=1)}
    page = {"user": user, "batch_rows": batch_rows}
    after = {"after_id": "", "after_at": start - timedelta(days=1)}  # before every key of the day
    erased = Erased()
    while True:
        with engine.begin() as connection:
            keys = connection.execute(text(_KEYS_OF_USER if user is not None else _KEYS), bounds | page | after).all()
            if not keys:
                return erased
            last = {"last_id": keys[-1].id, "last_at": keys[-1].created_at}
            named = json.dumps([{"id": key.id, "created_at": key.created_at.isoformat()} for key in keys])
            gone = connection.execute(text(_ERASE), bounds | after | last | {"keys": named}).one()
        erased += Erased(**gone._mapping)
        if len(keys) < batch_rows:
            return erased
        after = {"after_id": keys[-1].id, "after_at": keys[-1].created_at}


def _given(workspace: str, user: str | None) -> dict[str, object]:
    if user is None:
        return {"workspace": workspace}
    # As it stands in JSON that keeps other alphabets, and in JSON that escapes them.
    names = [json.dumps(user, ensure_ascii=escaped).encode() for escaped in (False, True)]
    return {"workspace": workspace, "user": user, "plain": names[0], "escaped": names[1]}


def _set_aside(user: str | None) -> str:
    if user is None:
        return "workspace = :workspace"
    return "workspace = :workspace and (position(:plain in body) > 0 or position(:escaped in body) > 0)"


# A call of our own has no row among generations, and what was cut off may have left text alone: all three name keys.
# Each is read in the order of its primary key from where the last page ended: a day is read once, not once a page.
_KEYS = """
(select distinct generation_id as id, created_at from classifications
 where workspace = :workspace and created_at >= :earliest and created_at < :latest
   and (generation_id, created_at) > (:after_id, :after_at)
 order by generation_id, created_at limit :batch_rows)
union
(select id, created_at from generations
 where workspace = :workspace and created_at >= :earliest and created_at < :latest
   and (id, created_at) > (:after_id, :after_at)
 order by id, created_at limit :batch_rows)
union
(select generation_id, created_at from transcripts
 where workspace = :workspace and created_at >= :earliest and created_at < :latest
   and (generation_id, created_at) > (:after_id, :after_at)
 order by generation_id, created_at limit :batch_rows)
order by id, created_at limit :batch_rows
"""

_KEYS_OF_USER = """
select id, created_at from generations
where workspace = :workspace and user_id = :user and created_at >= :earliest and created_at < :latest
  and (id, created_at) > (:after_id, :after_at)
order by id, created_at limit :batch_rows
"""

# Classifications are locked first and in key order, as every other writer of the line does.
_ERASE = """
with keys as materialized (
    select id, created_at from json_to_recordset(cast(:keys as json)) as k(id text, created_at timestamptz)
), locked as materialized (
    select c.generation_id, c.created_at, c.classifier_id from classifications c
    join keys on c.generation_id = keys.id and c.created_at = keys.created_at
    where c.workspace = :workspace and c.created_at >= :earliest and c.created_at < :latest
      and (c.generation_id, c.created_at) > (:after_id, :after_at)
      and (c.generation_id, c.created_at) <= (:last_id, :last_at)
    order by c.workspace, c.generation_id, c.created_at, c.classifier_id
    for update of c
), gone_classifications as (
    delete from classifications c using locked
    where c.workspace = :workspace and c.generation_id = locked.generation_id and c.created_at = locked.created_at
      and c.classifier_id = locked.classifier_id and c.created_at >= :earliest and c.created_at < :latest
      and (c.generation_id, c.created_at) > (:after_id, :after_at)
      and (c.generation_id, c.created_at) <= (:last_id, :last_at)
    returning 1
), gone_transcripts as (
    delete from transcripts t using keys
    where t.workspace = :workspace and t.generation_id = keys.id and t.created_at = keys.created_at
      and t.created_at >= :earliest and t.created_at < :latest
      and (t.generation_id, t.created_at) > (:after_id, :after_at)
      and (t.generation_id, t.created_at) <= (:last_id, :last_at)
    returning 1
), gone_generations as (
    delete from generations g using keys
    where g.workspace = :workspace and g.id = keys.id and g.created_at = keys.created_at
      and g.created_at >= :earliest and g.created_at < :latest
      and (g.id, g.created_at) > (:after_id, :after_at) and (g.id, g.created_at) <= (:last_id, :last_at)
    returning 1
)
select (select count(*) from gone_classifications) as classifications,
       (select count(*) from gone_transcripts) as transcripts,
       (select count(*) from gone_generations) as generations
"""

_COUNT = """
select (select count(*) from generations where workspace = :workspace) as generations,
       (select count(*) from transcripts where workspace = :workspace) as transcripts,
       (select count(*) from classifications where workspace = :workspace) as classifications,
       (select count(*) from feedback where workspace = :workspace) as feedback,
       (select count(*) from set_aside where workspace = :workspace) as set_aside
"""

_COUNT_OF_USER = f"""
with keys as materialized (
    select id, created_at from generations where workspace = :workspace and user_id = :user
)
select (select count(*) from keys) as generations,
       (select count(*) from keys join transcripts t
            on t.workspace = :workspace and t.generation_id = keys.id and t.created_at = keys.created_at) as transcripts,
       (select count(*) from keys join classifications c
            on c.workspace = :workspace and c.generation_id = keys.id and c.created_at = keys.created_at
       ) as classifications,
       (select count(*) from feedback f where f.workspace = :workspace and (f.user_id = :user or exists (
            select from keys where keys.id = f.generation_id and f.created_at >= keys.created_at - interval '2 days'))
       ) as feedback,
       (select count(*) from set_aside where {_set_aside("")}) as set_aside
"""  # noqa: S608 - our own condition
