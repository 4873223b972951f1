"""Claiming classifications for a call: who may ask, for how long, and how claims that were lost come back."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, text

from worker import reasons
from worker.store.recording import Key
from worker.store.spans import Span

LOST_LEASES_ALLOWED = 3
"""After so many lost leases a classification ends as `worker_lost`, so that no transcript kills workers for ever."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Claimed:
    """A classification that this process, and no other, may ask about until its lease ends."""

    key: Key
    classifier_id: UUID
    version: int
    endpoint: str
    token: UUID
    attempts: int
    second_tries: int
    change: str | None
    seconds_since_first_attempt: float
    turns: list[Any] | None = field(repr=False)  # None: the text is gone
    tools: list[str] = field(repr=False)
    left_out: int = 0
    last_chance: bool = False


def claim(
    connection: Connection,
    keys: Sequence[Key],
    *,
    endpoint: str,
    token: UUID,
    lease_seconds: float,
    last_chance: bool = False,
) -> list[Claimed]:
    """Claim what is due among `keys` for `endpoint`, with its transcript; what another holds is passed over.

    What would end as `worker_lost` with one more lost lease is left out, and with `last_chance` one of just those is
    claimed: one of them kills its workers, and the others must not be on board when it does so again.

    Rows are locked in key order: batches that cross cannot deadlock. The constant bounds on created_at
    let the planner leave out every other day (without them 1,000 ids cost 94 sequential scans, 2.1 s).
    """
    if not keys:
        return []
    times = [created_at for _, _, created_at in keys]
    rows = connection.execute(
        text("""
        with due as (
            select c.workspace, c.generation_id, c.created_at, c.classifier_id
            from json_to_recordset(cast(:wanted as json)) as w(workspace text, id text, created_at timestamptz)
            join classifications c
              on c.workspace = w.workspace and c.generation_id = w.id and c.created_at = w.created_at
            where c.created_at between :earliest and :latest
              and c.endpoint = :endpoint and c.state in ('pending', 'retrying') and c.due_at <= now()
              and (c.lost_leases >= :last) = :last_chance
            order by c.workspace, c.generation_id, c.created_at, c.classifier_id
            limit :most
            for update of c skip locked
        ), claimed as (
            update classifications c
            set state = 'running', reason = null, claim_token = :token,
                lease_until = now() + make_interval(secs => :lease_seconds)
            from due
            where c.workspace = due.workspace and c.generation_id = due.generation_id
              and c.created_at = due.created_at and c.classifier_id = due.classifier_id
              and c.created_at between :earliest and :latest
            returning c.workspace, c.generation_id, c.created_at, c.classifier_id, c.version, c.attempts,
                      c.second_tries, c.change, c.first_attempt_at
        )
        select claimed.*, extract(epoch from now() - coalesce(first_attempt_at, now()))::float8 as seconds_since_first,
               t.turns::text as turns, t.tools, t.left_out
        from claimed
        left join transcripts t
          on t.workspace = claimed.workspace and t.generation_id = claimed.generation_id
         and t.created_at = claimed.created_at and t.created_at between :earliest and :latest
        """),
        {
            "wanted": keys_json(keys),
            "earliest": min(times),
            "latest": max(times),
            "endpoint": endpoint,
            "token": token,
            "lease_seconds": lease_seconds,
            "last": LOST_LEASES_ALLOWED - 1,
            "last_chance": last_chance,
            "most": 1 if last_chance else None,
        },
    )
    return [
        Claimed(
            key=(row.workspace, row.generation_id, row.created_at),
            classifier_id=row.classifier_id,
            version=row.version,
            endpoint=endpoint,
            token=token,
            attempts=row.attempts,
            second_tries=row.second_tries,
            change=row.change,
            seconds_since_first_attempt=row.seconds_since_first,
            turns=None if row.turns is None else json.loads(row.turns),
            tools=row.tools or [],
            left_out=row.left_out or 0,
            last_chance=last_chance,
        )
        for row in rows
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class LostLeases:
    """How many leases were lost; of those, how many rows have ended as `worker_lost`."""

    lost: int
    ended: int


def take_back_lost_leases(connection: Connection, span: Span) -> LostLeases:
    """Make rows of these days whose lease ran out due again, or end them as `worker_lost`."""
    lost = connection.execute(
        text("""
        select workspace, generation_id, created_at, classifier_id, lost_leases
        from classifications
        where state = 'running' and lease_until < now() and created_at >= :earliest and created_at < :latest
        order by workspace, generation_id, created_at, classifier_id
        limit 10000
        for update skip locked
        """),
        span.bounds,
    ).all()
    _update_locked(
        connection,
        lost,
        """
        lost_leases = c.lost_leases + 1, claim_token = null, lease_until = null,
        state = case when c.lost_leases + 1 >= :allowed then 'failed' else 'pending' end,
        reason = case when c.lost_leases + 1 >= :allowed then 'worker_lost' end,
        finished_at = case when c.lost_leases + 1 >= :allowed then now() end,
        due_at = case when c.lost_leases + 1 < :allowed then now() end,
        rung_at = null
        """,
        allowed=LOST_LEASES_ALLOWED,
    )
    return LostLeases(lost=len(lost), ended=sum(row.lost_leases + 1 >= LOST_LEASES_ALLOWED for row in lost))


def is_refusing(connection: Connection, span: Span, *, endpoint: str, lately_seconds: float) -> bool:
    """Whether the endpoint has lately put rows of these days off to wait on the operator.

    The rows themselves tell, to every worker alike: their wait is not over, or has been for less than `lately_seconds`.
    """
    return bool(
        connection.execute(
            text("""
            select exists (
                select from classifications
                where endpoint = :endpoint and state in ('pending', 'retrying') and reason = any(:reasons)
                  and due_at > now() - make_interval(secs => :lately_seconds)
                  and created_at >= :earliest and created_at < :latest)
            """),
            {
                **span.bounds,
                "endpoint": endpoint,
                "reasons": [str(reason) for reason in reasons.of(reasons.Kind.WAITING)],
                "lately_seconds": lately_seconds,
            },
        ).scalar_one()
    )


def stamp_due(connection: Connection, span: Span, *, endpoint: str, ring_again_seconds: float, limit: int) -> list[Key]:
    """Stamp up to `limit` due rows of `endpoint` and these days as rung, oldest first, and return whom to ring for.

    A row that was rung less than `ring_again_seconds` ago is left alone: its bell may still be on its way.
    """
    due = connection.execute(
        text("""
        select workspace, generation_id, created_at, classifier_id
        from classifications
        where endpoint = :endpoint and state in ('pending', 'retrying') and due_at <= now()
          and (rung_at is null or rung_at < now() - make_interval(secs => :ring_again_seconds) or rung_at < due_at)
          and created_at >= :earliest and created_at < :latest
        order by due_at
        limit :limit
        for update skip locked
        """),
        {"endpoint": endpoint, "ring_again_seconds": ring_again_seconds, "limit": limit, **span.bounds},
    ).all()
    _update_locked(connection, due, "rung_at = now()")
    return sorted({(row.workspace, row.generation_id, row.created_at) for row in due})


def _update_locked(connection: Connection, locked: Sequence[Row[Any]], changes: str, **given: object) -> None:
    """Change rows that this transaction holds, a statement for each of their days.

    The planner leaves out a day only by constant bounds: joined to what was selected, one due row had all of 61 days
    read from end to end; with bounds around all rows, two rows of far days still had. Told how many there are, it goes
    by index.
    """
    days: dict[date, list[Row[Any]]] = {}
    for row in locked:
        days.setdefault(row.created_at.date(), []).append(row)
    for rows in days.values():
        times = [row.created_at for row in rows]
        connection.execute(
            text(f"""
            update classifications c set {changes}
            from (select * from json_to_recordset(cast(:rows as json))
                  as r(workspace text, generation_id text, created_at timestamptz, classifier_id uuid) limit :size) r
            where c.workspace = r.workspace and c.generation_id = r.generation_id and c.created_at = r.created_at
              and c.classifier_id = r.classifier_id and c.created_at between :earliest and :latest
            """),  # noqa: S608 - one of the two lists of changes above
            {
                "rows": json.dumps([dict(row._mapping) for row in rows], ensure_ascii=False, default=str),
                "size": len(rows),
                "earliest": min(times),
                "latest": max(times),
                **given,
            },
        )


def oldest_waits(connection: Connection, span: Span) -> dict[str, float]:
    """The endpoints that have a row of these days due now, and for how many seconds the oldest has been.

    Goes from endpoint to endpoint in the index of what is due, and reads one row a day of each: a backlog of a million
    rows is not read to find its oldest.
    """
    rows = connection.execute(
        text("""
        with recursive waiting as (
            (select endpoint from classifications
             where state in ('pending', 'retrying') and created_at >= :earliest and created_at < :latest
             order by endpoint limit 1)
            union all
            select (select c.endpoint from classifications c
                    where c.state in ('pending', 'retrying') and c.endpoint > w.endpoint
                      and c.created_at >= :earliest and c.created_at < :latest
                    order by c.endpoint limit 1)
            from waiting w where w.endpoint is not null
        )
        select w.endpoint, extract(epoch from now() - oldest.due_at)::float8 as seconds
        from waiting w
        cross join lateral (
            select c.due_at from classifications c
            where c.endpoint = w.endpoint and c.state in ('pending', 'retrying') and c.due_at <= now()
              and c.created_at >= :earliest and c.created_at < :latest
            order by c.due_at limit 1
        ) oldest
        order by w.endpoint
        """),
        span.bounds,
    )
    return {row.endpoint: row.seconds for row in rows}


def keys_json(keys: Sequence[Key]) -> str:
    return json.dumps(
        [
            {"workspace": workspace, "id": id_, "created_at": created_at.isoformat()}
            for workspace, id_, created_at in keys
        ],
        ensure_ascii=False,
    )
