"""Messages that could not be recorded: kept with their error, within limits, until replayed or too old."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

from sqlalchemy import Connection, Row, text

from worker.generation import WORKSPACE_PATTERN, storable

BODY_BYTES = 1_000_000
MOST_ROWS = 10_000
MOST_BYTES = 256_000_000
KEPT_FOR = timedelta(days=30)

Source = Literal["broker", "recording"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SetAside:
    """One row without its body. `size_bytes` is the message's, `kept_bytes` what of it stands here."""

    id: int
    set_aside_at: datetime
    source: Source
    queue: str
    workspace: str | None
    error: str
    size_bytes: int
    kept_bytes: int
    replayed_at: datetime | None

    @property
    def is_whole(self) -> bool:
        """Whether nothing was cut off, so that it can be replayed."""
        return self.kept_bytes == self.size_bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Body:
    """What was set aside, with what replaying it needs."""

    id: int
    source: Source
    queue: str
    size_bytes: int
    body: bytes = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """A message of the broker's on its way here; `received_at` is None when nobody knows."""

    received_at: datetime | None
    queue: str
    error: str
    size_bytes: int
    body: bytes = field(repr=False)


def add(
    connection: Connection,
    *,
    source: Source,
    queue: str,
    workspace: str | None,
    error: str,
    body: bytes,
    size_bytes: int,
) -> None:
    """Set one message aside; of a body over 1 MB the first megabyte is kept.

    `error` is a sentence without a character of the message; a `workspace` that is no name is left out. Rows older
    than the last 20,000 go at once, so that a flood between two upkeeps is bounded too; `cap` keeps the exact limits.
    """
    connection.execute(
        text("""
        insert into set_aside (source, queue, workspace, error, body, size_bytes)
        values (:source, :queue, :workspace, :error, :body, :size_bytes)
        """),
        {
            "source": source,
            "queue": queue,
            "workspace": workspace if workspace and re.fullmatch(WORKSPACE_PATTERN, workspace) else None,
            "error": storable(error),
            "body": body[:BODY_BYTES],
            "size_bytes": size_bytes,
        },
    )
    connection.execute(
        text("""
        delete from set_aside where id in (
            select id from set_aside where id <= (select max(id) - :distance from set_aside)
            order by id for update skip locked)
        """),
        {"distance": 2 * MOST_ROWS},
    )


def add_arrivals(connection: Connection, arrivals: Iterable[Arrival]) -> None:
    """Set aside what the broker's channel rejected; one that is here already, from a pass cut off, is left out.

    Takes turns with others until the transaction ends: two sweeps may read the same messages.
    """
    connection.execute(text("select pg_advisory_xact_lock(hashtext('aftertag.set_aside'))"))
    for arrival in arrivals:
        connection.execute(
            text("""
            insert into set_aside (set_aside_at, source, queue, error, body, size_bytes)
            select coalesce(:received_at, now()), 'broker', :queue, :error, :body, :size_bytes
            where not exists (
                select from set_aside
                where set_aside_at = :received_at and queue = :queue and size_bytes = :size_bytes and body = :body)
            """),
            {
                "received_at": arrival.received_at,
                "queue": storable(arrival.queue),
                "error": storable(arrival.error),
                "body": arrival.body[:BODY_BYTES],
                "size_bytes": arrival.size_bytes,
            },
        )


def newest(
    connection: Connection, *, workspace: str | None = None, replayed: bool | None = None, limit: int = 50
) -> list[SetAside]:
    """The newest rows without their bodies; `replayed` None takes both kinds."""
    rows = connection.execute(
        text("""
        select id, set_aside_at, source, queue, workspace, error, size_bytes,
               octet_length(body) as kept_bytes, replayed_at
        from set_aside
        where (cast(:workspace as text) is null or workspace = :workspace)
          and (cast(:replayed as boolean) is null or (replayed_at is not null) = :replayed)
        order by set_aside_at desc, id desc
        limit :limit
        """),
        {"workspace": workspace, "replayed": replayed, "limit": limit},
    )
    return [SetAside(**row._mapping) for row in rows]


def bodies_of(connection: Connection, ids: Sequence[int]) -> list[Body]:
    """The messages of these ids with their bodies; an id that is not there is left out."""
    rows = connection.execute(
        text("select id, source, queue, size_bytes, body from set_aside where id = any(:ids) order by id"),
        {"ids": list(ids)},
    )
    return [_body(row) for row in rows]


def waiting_ids(connection: Connection, *, limit: int = MOST_ROWS) -> list[int]:
    """The ids of whole messages that nobody has replayed yet, oldest first."""
    rows = connection.execute(
        text("""
        select id from set_aside where replayed_at is null and octet_length(body) = size_bytes
        order by set_aside_at, id limit :limit
        """),
        {"limit": limit},
    )
    return list(rows.scalars())


def take_for_replay(connection: Connection, ids: Sequence[int]) -> list[Body]:
    """Mark `ids` as replayed and return them; what another replay holds at this moment is passed over.

    The caller puts them back before it commits: a replay that is cut off may come twice, and is never lost.
    """
    rows = connection.execute(
        text("""
        update set_aside set replayed_at = now()
        where id in (select id from set_aside where id = any(:ids) order by id for update skip locked)
        returning id, source, queue, size_bytes, body
        """),
        {"ids": list(ids)},
    )
    return sorted(map(_body, rows), key=lambda one: one.id)


def cap(connection: Connection, *, most_rows: int = MOST_ROWS, most_bytes: int = MOST_BYTES) -> int:
    """Delete what is older than 30 days, and the oldest beyond the limits; return how many rows went."""
    return connection.execute(
        text("""
        with counted as (
            select id, set_aside_at, row_number() over newest_first as place,
                   sum(octet_length(body)) over newest_first as bytes
            from set_aside
            window newest_first as (order by set_aside_at desc, id desc)
        )
        delete from set_aside using counted
        where set_aside.id = counted.id
          and (counted.place > :most_rows or counted.bytes > :most_bytes or counted.set_aside_at < now() - :kept_for)
        """),
        {"most_rows": most_rows, "most_bytes": most_bytes, "kept_for": KEPT_FOR},
    ).rowcount


def _body(row: Row[tuple[object, ...]]) -> Body:
    return Body(id=row.id, source=row.source, queue=row.queue, size_bytes=row.size_bytes, body=bytes(row.body))
