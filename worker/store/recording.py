"""Writing a batch of generations: once each, however often it is delivered; ringing for them is next."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from hashlib import blake2b
from typing import Any

from psycopg.types.json import Jsonb
from pydantic_core import to_json
from sqlalchemy import Connection, text

from worker.generation import Generation
from worker.sampling import Placed

SAME_ID_WITHIN = timedelta(hours=48)

Key = tuple[str, str, datetime]
"""(workspace, generation id, created_at): how a generation is named in messages and in the three large tables."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One generation with what is to become of it; `text_kept` says whether its transcript is stored.

    `rung_for` names the endpoints whose classifications are rung for at once, `estimated_usd` is its cost where nobody
    reports one.
    """

    generation: Generation = field(repr=False)
    placed: Sequence[Placed]
    own_call: bool
    text_kept: bool
    rung_for: frozenset[str]
    estimated_usd: Decimal | None = None

    @property
    def key(self) -> Key:
        return (self.generation.workspace, self.generation.id, self.generation.created_at)


def ensure_workspaces(connection: Connection, names: Iterable[str]) -> dict[str, int]:
    """Make the workspaces that are missing: whoever can write to Redis is trusted for every workspace.

    Return for each how many days it keeps text.
    """
    wanted = sorted(set(names))
    found: dict[str, int] = {}
    while len(found) < len(wanted):  # again where another made one since the statement began: it saw neither
        rows = connection.execute(
            text("""
            with made as (
                insert into workspaces (id)
                select name from unnest(cast(:names as text[])) as name
                where not exists (select from workspaces where id = name)
                order by name
                on conflict do nothing
                returning id, keep_text_days
            )
            select id, keep_text_days from workspaces where id = any(:names)
            union all
            select id, keep_text_days from made
            """),
            {"names": wanted},
        )
        found = {row.id: row.keep_text_days for row in rows}
    return found


def lock_given_ids(connection: Connection, rows: Sequence[Row]) -> None:
    """Hold every given id until the commit, in sorted order: two deliveries of one id take turns, and never deadlock.

    Look-up then insert without it made 397 rows of 200 ids.
    """
    hashes = sorted({_lock_of(row.generation) for row in rows if row.generation.id_given})
    if hashes:
        connection.execute(
            text("select pg_advisory_xact_lock(hash) from unnest(cast(:hashes as bigint[])) as hash"),
            {"hashes": hashes},
        )


def insert(connection: Connection, rows: Sequence[Row]) -> set[Key]:
    """Insert `rows`, in key order; return the keys that are new. A delivery of a known key inserts nothing.

    What is rung for at once is stamped so, and the sweep leaves it alone for a while.
    """
    ordered = sorted(rows, key=lambda row: row.key)
    new = _insert_generations(connection, [row for row in ordered if not row.own_call])
    fresh = [row for row in ordered if row.own_call or row.key in new]
    return new | insert_asked(connection, fresh)


def insert_asked(connection: Connection, ordered: Sequence[Row]) -> set[Key]:
    """Insert text and classifications of rows in key order; return the keys of those that had no classification."""
    _insert_transcripts(connection, [row for row in ordered if row.text_kept])
    return _insert_classifications(connection, ordered)


def _insert_generations(connection: Connection, rows: Sequence[Row]) -> set[Key]:
    if not rows:
        return set()
    found = connection.execute(
        text("""
        insert into generations (workspace, id, created_at, model, provider, app, user_id, session_id, api_key_name,
                                 prompt_tokens, completion_tokens, cached_tokens, reasoning_tokens, cost_usd,
                                 cost_source, latency_ms, finish_reason, streamed, metadata)
        select workspace, id, created_at, model, provider, app, user_id, session_id, api_key_name,
               prompt_tokens, completion_tokens, cached_tokens, reasoning_tokens, coalesce(cost_usd, estimated_usd),
               case when cost_usd is not null then 'reported' when estimated_usd is not null then 'estimated' end,
               latency_ms, finish_reason, streamed, metadata
        from json_to_recordset(cast(:rows as json)) as r(
            workspace text, id text, created_at timestamptz, model text, provider text, app text, user_id text,
            session_id text, api_key_name text, prompt_tokens bigint, completion_tokens bigint, cached_tokens bigint,
            reasoning_tokens bigint, cost_usd numeric, estimated_usd numeric, latency_ms float8, finish_reason text,
            streamed boolean, metadata jsonb)
        on conflict do nothing
        returning workspace, id, created_at
        """),
        {"rows": _json([{**as_row(row.generation), "estimated_usd": _text(row.estimated_usd)} for row in rows])},
    )
    return {(workspace, id_, created_at) for workspace, id_, created_at in found}


def _insert_transcripts(connection: Connection, rows: Sequence[Row]) -> None:
    if not rows:
        return
    generations = [row.generation for row in rows]
    # In binary (%b, psycopg's own): a text within the JSON of all rows would be read three times on its way in, and
    # reading it is most of what Postgres does for a generation.
    connection.exec_driver_sql(
        """
        insert into transcripts (workspace, generation_id, created_at, turns, tools, left_out)
        select workspace, generation_id, created_at, turns, array(select jsonb_array_elements_text(tools)), left_out
        from unnest(%(workspaces)b::text[], %(ids)b::text[], %(times)b::timestamptz[], %(turns)b::jsonb[],
                    %(tools)b::jsonb[], %(left_out)b::int[])
             as r(workspace, generation_id, created_at, turns, tools, left_out)
        on conflict do nothing
        """,
        {
            "workspaces": [one.workspace for one in generations],
            "ids": [one.id for one in generations],
            "times": [one.created_at for one in generations],
            "turns": [Jsonb(one.turns, dumps=to_json) for one in generations],
            "tools": [Jsonb(one.tools, dumps=to_json) for one in generations],
            "left_out": [one.left_out for one in generations],
        },
    )


def _insert_classifications(connection: Connection, rows: Sequence[Row]) -> set[Key]:
    if not rows:
        return set()
    found = connection.execute(
        text("""
        insert into classifications (workspace, generation_id, created_at, classifier_id, version, endpoint,
                                     state, reason, rate, draw, due_at, rung_at, finished_at, billed_to)
        select workspace, generation_id, created_at, classifier_id, version, endpoint,
               case when reason is null then 'pending' else 'not_run' end, reason, rate, draw,
               case when reason is null then now() end, case when reason is null and rung then now() end,
               case when reason is not null then now() end, billed_to
        from json_to_recordset(cast(:rows as json)) as r(
            workspace text, generation_id text, created_at timestamptz, classifier_id uuid, version int, endpoint text,
            reason text, rate float8, draw float8, billed_to uuid, rung boolean)
        on conflict do nothing
        returning workspace, generation_id, created_at
        """),
        {"rows": _json([_classification(row, placed) for row in rows for placed in row.placed])},
    )
    return {(workspace, id_, created_at) for workspace, id_, created_at in found}


def add_losses(connection: Connection, dropped: Mapping[str, int], *, day: date) -> None:
    """Count what hooks had to drop, by reason, so that the operator sees it."""
    connection.execute(
        text("""
        insert into losses (day, reason, generations)
        select :day, key, value::bigint from json_each_text(cast(:dropped as json)) order by key
        on conflict (day, reason) do update set generations = losses.generations + excluded.generations
        """),
        {"day": day, "dropped": _json(dict(dropped))},
    )


def _lock_of(generation: Generation) -> int:
    name = f"{generation.workspace}\x00{generation.id}".encode()
    return int.from_bytes(blake2b(name, digest_size=8).digest(), "big", signed=True)


def _classification(row: Row, placed: Placed) -> dict[str, Any]:
    workspace, id_, created_at = row.key
    return {
        "workspace": workspace,
        "generation_id": id_,
        "created_at": created_at.isoformat(),
        "classifier_id": str(placed.classifier_id),
        "version": placed.version,
        "endpoint": placed.endpoint,
        "reason": placed.reason,
        "rate": placed.rate,
        "draw": placed.draw,
        "billed_to": _text(placed.billed_to),
        "rung": placed.endpoint in row.rung_for,
    }


def as_row(generation: Generation) -> dict[str, Any]:
    """A generation's record as it was reported, by the names of its columns."""
    return {
        "workspace": generation.workspace,
        "id": generation.id,
        "created_at": generation.created_at.isoformat(),
        "model": generation.model,
        "provider": generation.provider,
        "app": generation.app,
        "user_id": generation.user,
        "session_id": generation.session_id,
        "api_key_name": generation.api_key_name,
        "prompt_tokens": generation.usage.prompt,
        "completion_tokens": generation.usage.completion,
        "cached_tokens": generation.usage.cached,
        "reasoning_tokens": generation.usage.reasoning,
        "cost_usd": _text(generation.cost_usd),
        "latency_ms": generation.latency_ms,
        "finish_reason": generation.finish_reason,
        "streamed": generation.streamed,
        "metadata": generation.metadata,
    }


def _text(value: object | None) -> str | None:
    return None if value is None else str(value)


def _json(value: object) -> str:
    return to_json(value).decode()
