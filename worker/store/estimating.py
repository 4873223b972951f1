"""Writing what calls are estimated to have cost, where a later report told what an estimate needs."""

import json
from collections.abc import Mapping
from decimal import Decimal

from sqlalchemy import Connection, text

from worker.store.recording import Key


def write(connection: Connection, estimates: Mapping[Key, Decimal | None]) -> None:
    """Give each record its estimate, or none; never in the place of a cost that was reported. The rows' locks are held."""
    if not estimates:
        return
    times = [created_at for _, _, created_at in estimates]
    connection.execute(
        text("""
        update generations g
        set cost_usd = e.usd, cost_source = case when e.usd is not null then 'estimated' end
        from json_to_recordset(cast(:rows as json)) as e(workspace text, id text, created_at timestamptz, usd numeric)
        where g.workspace = e.workspace and g.id = e.id and g.created_at = e.created_at
          and g.created_at between :earliest and :latest
          and (g.cost_usd is null or g.cost_source = 'estimated') and g.cost_usd is distinct from e.usd
        """),
        {
            "rows": json.dumps(
                [
                    {
                        "workspace": workspace,
                        "id": id_,
                        "created_at": created_at.isoformat(),
                        "usd": None if usd is None else str(usd),
                    }
                    for (workspace, id_, created_at), usd in estimates.items()
                ]
            ),
            "earliest": min(times),
            "latest": max(times),
        },
    )
