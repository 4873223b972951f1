"""A call whose first report came without its text: the report that brings it has the classifiers asked after all."""

import json
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, text

from api_hooks import wire
from worker.store.recording import Row, insert_asked


def take_up(connection: Connection, rows: Sequence[Row]) -> None:
    """Write text and classifications of generations that were recorded without; `rows` have the keys of their records.

    The ids' locks are held. What stood there was never asked and never ended in tags: each is placed anew, as the text came.
    """
    if not rows:
        return
    keys = sorted(row.key for row in rows)
    times = [created_at for _, _, created_at in keys]
    connection.execute(
        _FORGET,
        {
            "keys": json.dumps([{"workspace": one, "id": id_, "created_at": at.isoformat()} for one, id_, at in keys]),
            "earliest": min(times),
            "latest": max(times),
            "not_captured": json.dumps({"text": wire.NOT_CAPTURED}),
        },
    )
    insert_asked(connection, sorted(rows, key=lambda row: row.key))


# Classifications are locked first and in key order, as every other writer of the line does.
_FORGET: Any = text("""
with keys as materialized (
    select workspace, id, created_at
    from json_to_recordset(cast(:keys as json)) as k(workspace text, id text, created_at timestamptz)
), locked as materialized (
    select c.workspace, c.generation_id, c.created_at, c.classifier_id from classifications c
    join keys k on (c.workspace, c.generation_id, c.created_at) = (k.workspace, k.id, k.created_at)
    where c.created_at between :earliest and :latest and c.state = 'not_run'
      and c.reason in ('sampled_out', 'no_classifier', 'paused', 'filtered_out')
    order by c.workspace, c.generation_id, c.created_at, c.classifier_id
    for update of c
), forgotten as (
    delete from classifications c using locked l
    where c.workspace = l.workspace and c.generation_id = l.generation_id and c.created_at = l.created_at
      and c.classifier_id = l.classifier_id and c.created_at between :earliest and :latest
    returning 1
), touched as materialized (
    select g.workspace, g.id, g.created_at from generations g
    join keys k on (g.workspace, g.id, g.created_at) = (k.workspace, k.id, k.created_at)
    where g.created_at between :earliest and :latest and g.metadata @> cast(:not_captured as jsonb)
      and (select count(*) from forgotten) >= 0
    order by g.workspace, g.id, g.created_at
    for update of g
)
update generations g set metadata = g.metadata - 'text'
from touched t
where (g.workspace, g.id, g.created_at) = (t.workspace, t.id, t.created_at)
  and g.created_at between :earliest and :latest
""")
