"""Which generations' tags Langfuse does not have yet as they are now, and what it was sent.

What was sent stands with the generation, so that it goes when the generation goes. It names the project it was sent to:
another one knows nothing of it.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from typing import Any

from sqlalchemy import Connection, text

from worker.store import partitions

Place = tuple[datetime, str]
"""Where a reading ended: the created_at and id of its last generation."""

ONE_DAY = timedelta(days=1)
BEGINNING: Place = (datetime(1, 1, 2, tzinfo=UTC), "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Unsent:
    """A generation whose tags differ from those `sent`; `trace_id` and `span_id` are Langfuse's names of the call."""

    workspace: str
    id: str
    created_at: datetime
    trace_id: str
    span_id: str | None
    environment: str | None
    tags: Mapping[str, Any] = field(repr=False)
    sent: Mapping[str, Any] = field(repr=False)

    @property
    def place(self) -> Place:
        return (self.created_at, self.id)


def unsent(
    connection: Connection, workspace: str, *, project: str, since: datetime | None, after: Place, limit: int
) -> list[Unsent]:
    """The first generations after a place whose tags are not what the project was sent, in the order of time and id.

    A statement looks into one day.
    """
    earliest = max(since or BEGINNING[0], after[0])
    found: list[Unsent] = []
    for day in partitions.days_of_any(connection, ["generations"]):
        begin = datetime.combine(day, time(), UTC)
        if begin + ONE_DAY <= earliest:
            continue
        rows = connection.execute(
            text(_UNSENT),
            {
                "workspace": workspace,
                "project": project,
                "earliest": max(begin, earliest),
                "latest": begin + ONE_DAY,
                "after": after[0],
                "after_id": after[1],
                "limit": limit - len(found),
            },
        )
        found += [Unsent(workspace=workspace, **row._mapping) for row in rows]
        if len(found) >= limit:
            break
    return found


def remember(connection: Connection, generations: Sequence[Unsent], *, project: str) -> None:
    """Keep what a project was sent of these generations; of one that is gone by now there is nothing to keep."""
    if not generations:
        return
    ordered = sorted(generations, key=lambda each: (each.id, each.created_at))
    connection.execute(
        text("""
        update generations g set langfuse_scores = jsonb_build_object('project', cast(:project as text), 'tags', s.tags)
        from json_to_recordset(cast(:sent as json)) as s(id text, created_at timestamptz, tags jsonb)
        where g.workspace = :workspace and g.id = s.id and g.created_at = s.created_at
          and g.created_at between :earliest and :latest
        """),
        {
            "project": project,
            "workspace": ordered[0].workspace,
            "earliest": min(each.created_at for each in ordered),
            "latest": max(each.created_at for each in ordered),
            "sent": json.dumps(
                [
                    {"id": each.id, "created_at": each.created_at.isoformat(), "tags": dict(each.tags)}
                    for each in ordered
                ]
            ),
        },
    )


_UNSENT = """
select id, created_at, tags, trace_id, span_id, environment, sent
from (
    select id, created_at, tags, metadata->>'trace_id' as trace_id, metadata->>'span_id' as span_id,
           metadata->>'environment' as environment,
           case when langfuse_scores->>'project' = :project then langfuse_scores->'tags' else '{}'::jsonb end as sent
    from generations
    where workspace = :workspace and created_at >= :earliest and created_at < :latest and metadata ? 'trace_id'
      and (tags <> '{}' or langfuse_scores is not null)
) as traced
where tags <> sent and (created_at, id) > (:after, :after_id)
order by created_at, id
limit :limit
"""
