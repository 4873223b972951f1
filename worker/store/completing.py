"""A call that several instruments report: what a later report adds fills blanks of the record, and changes nothing there.

An estimated cost is as good as a blank: one that is reported takes its place, never the other way round.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, text
from sqlalchemy import Row as Record

from api_hooks import wire
from worker.generation import Generation
from worker.store.recording import SAME_ID_WITHIN, Key, as_row

_BLANKS = (
    "model",
    "provider",
    "app",
    "user_id",
    "session_id",
    "api_key_name",
    "prompt_tokens",
    "completion_tokens",
    "cached_tokens",
    "reasoning_tokens",
    "cost_usd",
    "latency_ms",
    "finish_reason",
)
_REPORTED_COST = "case when g.cost_source is distinct from 'estimated' then g.cost_usd end"


@dataclass(frozen=True, slots=True, kw_only=True)
class Unreported:
    """A record that something was added to and whose cost nobody has reported: what an estimate of it needs."""

    key: Key
    model: str | None
    provider: str | None
    prompt_tokens: int | None
    completion_tokens: int | None
    cached_tokens: int | None
    metadata: dict[str, str] = field(repr=False)


def fill_blanks(connection: Connection, reported_again: Sequence[Generation]) -> list[Unreported]:
    """Fill what is empty in the records of generations whose given ids are known; keys of the metadata are added.

    A report that adds nothing, such as the same batch delivered twice, touches no row. The ids' locks are held, and
    rows are locked in key order. Text that no report before had is taken up elsewhere (`late_text`); other text stays as it was.
    Return those of the touched records whose cost is to be estimated anew, of what is known now.
    """
    again = [one for one in reported_again if one.id_given]
    if not again:
        return []
    times = [one.created_at for one in again]
    completed = connection.execute(
        text(_STATEMENT),
        {
            "rows": json.dumps([_adding(one) for one in again], ensure_ascii=False, separators=(",", ":")),
            "earliest": min(times) - SAME_ID_WITHIN,
            "latest": max(times) + SAME_ID_WITHIN,
            "within": SAME_ID_WITHIN,
        },
    )
    return [_unreported(row) for row in completed if not row.is_reported]


def _adding(one: Generation) -> dict[str, Any]:
    """What a later report says of the record; that it has no text says nothing of who reported before."""
    row = as_row(one)
    said = one.metadata.items()
    row["metadata"] = {key: value for key, value in said if (key, value) != ("text", wire.NOT_CAPTURED)}
    return row


def _unreported(row: Record[Any]) -> Unreported:
    return Unreported(
        key=(row.workspace, row.id, row.created_at),
        model=row.model,
        provider=row.provider,
        prompt_tokens=row.prompt_tokens,
        completion_tokens=row.completion_tokens,
        cached_tokens=row.cached_tokens,
        metadata=row.metadata,
    )


def _statement() -> str:
    stands = {name: f"g.{name}" for name in _BLANKS} | {"cost_usd": _REPORTED_COST}
    adds = " or ".join(f"({stands[name]} is null and r.{name} is not null)" for name in _BLANKS)
    firsts = ", ".join(f"(array_agg({name}) filter (where {name} is not null))[1] as {name}" for name in _BLANKS)
    fills = ", ".join(f"{name} = coalesce({stands[name]}, l.{name}, g.{name})" for name in _BLANKS)
    return f"""
        with reported as (
            select * from json_to_recordset(cast(:rows as json)) as r(
                workspace text, id text, created_at timestamptz, model text, provider text, app text, user_id text,
                session_id text, api_key_name text, prompt_tokens bigint, completion_tokens bigint, cached_tokens bigint,
                reasoning_tokens bigint, cost_usd numeric, latency_ms float8, finish_reason text, metadata jsonb)
        ), adding as (
            select g.workspace, g.id, g.created_at, r.created_at as reported_at, {", ".join(f"r.{one}" for one in _BLANKS)},
                   r.metadata
            from reported r
            join generations g on g.workspace = r.workspace and g.id = r.id
             and g.created_at between r.created_at - :within and r.created_at + :within
            where g.created_at between :earliest and :latest
              and ({adds} or not g.metadata ?& array(select jsonb_object_keys(r.metadata)))
        ), locked as (
            select g.workspace, g.id, g.created_at from generations g
            where g.created_at between :earliest and :latest
              and (g.workspace, g.id, g.created_at) in (select workspace, id, created_at from adding)
            order by g.workspace, g.id, g.created_at
            for update
        ), filling as (
            select workspace, id, created_at, {firsts}, jsonb_object_agg(m.key, m.value) filter (where m.key is not null)
                   as metadata
            from adding left join lateral jsonb_each(metadata) as m on true
            group by workspace, id, created_at
        )
        update generations g
        set {fills}, metadata = coalesce(l.metadata, '{{}}') || g.metadata,
            cost_source = case when {_REPORTED_COST} is null and l.cost_usd is not null then 'reported'
                               else g.cost_source end
        from filling l join locked using (workspace, id, created_at)
        where g.workspace = l.workspace and g.id = l.id and g.created_at = l.created_at
          and g.created_at between :earliest and :latest
        returning g.workspace, g.id, g.created_at, g.model, g.provider, g.prompt_tokens, g.completion_tokens,
                  g.cached_tokens, g.metadata, {_REPORTED_COST} is not null as is_reported
    """  # noqa: S608 - of the names above only


_STATEMENT: Any = _statement()
