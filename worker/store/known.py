"""Which generations are recorded already, by the ids that their callers gave; what is new is written next."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, text

from api_hooks import wire
from worker.store import spans
from worker.store.recording import SAME_ID_WITHIN, Key, Row


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """A generation that is recorded: its time there, and whether nobody was asked and no report had its text."""

    created_at: datetime
    lacks_text: bool


def already_recorded(connection: Connection, rows: Sequence[Row]) -> dict[Key, Known]:
    """Those of `rows`, by their keys, whose id was given and recorded before, within 48 hours of their time."""
    given = [row.generation for row in rows if row.generation.id_given]
    if not given:
        return {}
    times = [generation.created_at for generation in given]
    found = connection.execute(
        text("""
        select w.workspace, w.id, w.created_at, min(c.created_at) as recorded,
               bool_and(c.state = 'not_run' and (
                   (c.reason = 'sampled_out' and c.rate = 0 and c.draw = 1)
                   or (c.reason in ('no_classifier', 'paused', 'filtered_out')
                       and (select g.metadata->>'text' from generations g
                            where g.workspace = w.workspace and g.id = w.id and g.created_at = c.created_at
                              and g.created_at between :earliest and :latest) = :not_captured)
               )) as lacks_text
        from json_to_recordset(cast(:wanted as json)) as w(workspace text, id text, created_at timestamptz)
        join classifications c on c.workspace = w.workspace and c.generation_id = w.id
        where c.created_at between :earliest and :latest
          and c.created_at between w.created_at - :within and w.created_at + :within
        group by 1, 2, 3
        """),
        {
            "wanted": json.dumps(
                [{"workspace": g.workspace, "id": g.id, "created_at": g.created_at.isoformat()} for g in given],
                ensure_ascii=False,
            ),
            "earliest": min(times) - SAME_ID_WITHIN,
            "latest": max(times) + SAME_ID_WITHIN,
            "within": SAME_ID_WITHIN,
            "not_captured": wire.NOT_CAPTURED,
        },
    )
    return {
        (row.workspace, row.id, row.created_at): Known(created_at=row.recorded, lacks_text=row.lacks_text)
        for row in found
    }


def known_at_any_time(connection: Connection, workspace: str, ids: Sequence[str]) -> set[str]:
    """Those of `ids` that the workspace has, whatever their time. For imports only: it looks into every day.

    On a connection in autocommit: in one transaction it would hold locks on every day.
    """
    found: set[str] = set()
    for span in spans.of(connection, "classifications"):
        rows = connection.execute(
            text("""
            select distinct generation_id from classifications
            where workspace = :workspace and generation_id = any(:ids)
              and created_at >= :earliest and created_at < :latest
            """),
            {"workspace": workspace, "ids": list(ids), **span.bounds},
        )
        found.update(rows.scalars())
    return found
