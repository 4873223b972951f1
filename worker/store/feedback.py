"""Feedback on generations: written once each, however often it is delivered, and read with the generation's story."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import blake2b

from sqlalchemy import Connection, text

from worker.feedback import Feedback
from worker.store.recording import SAME_ID_WITHIN, Key, ensure_workspaces

BEFORE_ITS_GENERATION = timedelta(hours=48)
"""By how much feedback may seem older than what it is about: the two times are of two clocks."""

MOST_OF_ONE_GENERATION = 100
LOOKED_INTO_AT_ONCE = timedelta(days=30)


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """One feedback as it stands there; the comment goes when the workspace's text does."""

    id: str
    created_at: datetime
    user: str | None
    score: float | None
    comment: str | None = field(repr=False)


def write(connection: Connection, given: Sequence[Feedback]) -> set[Key]:
    """Write what was not written before; return the new keys. A workspace that keeps no text keeps no comments."""
    keep_text_days = ensure_workspaces(connection, {one.workspace for one in given})
    _lock(connection, given)
    known = _known(connection, given)
    rows = [
        {
            **one.model_dump(mode="json", include={"workspace", "id", "generation_id", "score", "metadata"}),
            "created_at": one.created_at.isoformat(),
            "comment": one.comment if keep_text_days[one.workspace] else None,
            "user_id": one.user,
        }
        for one in sorted(_first_of_each_id(given), key=lambda one: one.key)
        if one.key not in known
    ]
    if not rows:
        return set()
    found = connection.execute(
        text("""
        insert into feedback (workspace, id, created_at, generation_id, score, comment, user_id, metadata)
        select workspace, id, created_at, generation_id, score, comment, user_id, metadata
        from json_to_recordset(cast(:rows as json)) as r(
            workspace text, id text, created_at timestamptz, generation_id text, score float8, comment text,
            user_id text, metadata jsonb)
        on conflict do nothing
        returning workspace, id, created_at
        """),
        {"rows": json.dumps(rows, ensure_ascii=False)},
    )
    return {(workspace, id_, created_at) for workspace, id_, created_at in found}


def of_generation(connection: Connection, key: Key, *, now: datetime | None = None) -> list[Given]:
    """Return what was said about one generation, the first first, at most 100.

    It may be said as long as feedback is kept: a statement looks into a month of it.
    """
    workspace, generation_id, created_at = key
    begin, end = created_at - BEFORE_ITS_GENERATION, (now or datetime.now(UTC)) + BEFORE_ITS_GENERATION
    found: list[Given] = []
    while begin < end and len(found) < MOST_OF_ONE_GENERATION:
        rows = connection.execute(
            text("""
            select id, created_at, user_id as user, score, comment from feedback
            where workspace = :workspace and generation_id = :generation_id
              and created_at >= :begin and created_at < :end
            order by created_at, id limit :limit
            """),
            {
                "workspace": workspace,
                "generation_id": generation_id,
                "begin": begin,
                "end": begin + LOOKED_INTO_AT_ONCE,
                "limit": MOST_OF_ONE_GENERATION - len(found),
            },
        )
        found += [Given(**row._mapping) for row in rows]
        begin += LOOKED_INTO_AT_ONCE
    return found


def _lock(connection: Connection, given: Sequence[Feedback]) -> None:
    """Hold every id until the commit, in sorted order: two deliveries of one id take turns."""
    names = {f"feedback\x00{one.workspace}\x00{one.id}".encode() for one in given}
    hashes = sorted(int.from_bytes(blake2b(name, digest_size=8).digest(), "big", signed=True) for name in names)
    connection.execute(
        text("select pg_advisory_xact_lock(hash) from unnest(cast(:hashes as bigint[])) as hash"), {"hashes": hashes}
    )


def _first_of_each_id(given: Sequence[Feedback]) -> list[Feedback]:
    """Leave out what comes after one of the same id, within 48 hours of its time: the database knows of neither yet."""
    kept: dict[tuple[str, str], list[Feedback]] = {}
    for one in given:
        same = kept.setdefault((one.workspace, one.id), [])
        if all(abs(one.created_at - other.created_at) > SAME_ID_WITHIN for other in same):
            same.append(one)
    return [one for same in kept.values() for one in same]


def _known(connection: Connection, given: Sequence[Feedback]) -> set[Key]:
    """The keys of those whose id was written before, within 48 hours of their time."""
    times = [one.created_at for one in given]
    found = connection.execute(
        text("""
        select distinct w.workspace, w.id, w.created_at
        from json_to_recordset(cast(:wanted as json)) as w(workspace text, id text, created_at timestamptz)
        join feedback f on f.workspace = w.workspace and f.id = w.id
        where f.created_at between :earliest and :latest
          and f.created_at between w.created_at - :within and w.created_at + :within
        """),
        {
            "wanted": json.dumps(
                [{"workspace": one.workspace, "id": one.id, "created_at": one.created_at.isoformat()} for one in given]
            ),
            "earliest": min(times) - SAME_ID_WITHIN,
            "latest": max(times) + SAME_ID_WITHIN,
            "within": SAME_ID_WITHIN,
        },
    )
    return {(workspace, id_, created_at) for workspace, id_, created_at in found}
