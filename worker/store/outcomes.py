"""Turning outcomes into rows: the only place that ends a classification or puts tags onto a generation."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, text

from worker.outcomes import Call, Failed, Outcome, Retry, Skipped, Tagged, Waiting
from worker.store.claims import Claimed
from worker.store.recording import Key


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """A claimed classification, what became of it, and the call that was made for it, if one was."""

    claimed: Claimed
    outcome: Outcome
    call: Call | None = None


def write(connection: Connection, ended: Sequence[Ended]) -> list[Ended]:
    """Write a batch in one transaction; return those whose claim was still theirs.

    A late answer, whose claim was lost meanwhile, is dropped; what its call cost is kept. Rows are locked in
    key order, classifications before generations before spend, so that writers cannot deadlock.
    """
    if not ended:
        return []
    first, again = _one_a_row(ended)
    return _write_distinct(connection, first) + write(connection, again)


def _one_a_row(ended: Sequence[Ended]) -> tuple[list[Ended], list[Ended]]:
    """Part a batch so that no row stands twice in the first part: a late and a current answer are two writes."""
    first: dict[tuple[Key, UUID], Ended] = {}
    again = [one for one in ended if first.setdefault(_identity(one), one) is not one]
    return list(first.values()), again


def _write_distinct(connection: Connection, ended: Sequence[Ended]) -> list[Ended]:
    ordered = sorted(ended, key=lambda one: (one.claimed.key, one.claimed.classifier_id))
    bounds = _bounds([one.claimed.key for one in ordered])
    former = _lock(connection, ordered, bounds)
    current = [one for one in ordered if _identity(one) in former]
    _write_states(connection, [(one, _identity(one) in former) for one in ordered], bounds)
    _write_tags(connection, current, former, bounds)
    _forget_text(connection, current, bounds)
    _add_spend(connection, ordered)
    return current


def _lock(connection: Connection, ended: Sequence[Ended], bounds: dict[str, Any]) -> dict[tuple[Key, UUID], list[str]]:
    """Lock all rows, late ones too; return, for each whose claim is still held, the dimensions it gave before."""
    rows = connection.execute(
        text("""
        select c.workspace, c.generation_id, c.created_at, c.classifier_id, c.tags,
               c.state = 'running' and c.claim_token = r.token as held
        from json_to_recordset(cast(:rows as json)) as r(
            workspace text, id text, created_at timestamptz, classifier_id uuid, token uuid)
        join classifications c on c.workspace = r.workspace and c.generation_id = r.id
         and c.created_at = r.created_at and c.classifier_id = r.classifier_id
        where c.created_at between :earliest and :latest
        order by c.workspace, c.generation_id, c.created_at, c.classifier_id
        for update of c
        """),
        {"rows": json.dumps([_named(one) | {"token": str(one.claimed.token)} for one in ended]), **bounds},
    )
    return {
        ((row.workspace, row.generation_id, row.created_at), row.classifier_id): sorted(row.tags or {})
        for row in rows
        if row.held
    }


def _write_states(connection: Connection, ended: Sequence[tuple[Ended, bool]], bounds: dict[str, Any]) -> None:
    """End or put off what is held, and add every call to its classification: to its sums, and to the list `calls`."""
    connection.execute(
        text("""
        update classifications c set
            state = case when r.held then r.state else c.state end,
            reason = case when r.held then r.reason else c.reason end,
            tags = case when r.held and r.after_seconds is null then r.tags else c.tags end,
            certainty = case when r.held and r.after_seconds is null then r.certainty else c.certainty end,
            change = case when r.held then r.change else c.change end,
            due_at = case when not r.held then c.due_at
                          when r.after_seconds is not null then now() + make_interval(secs => r.after_seconds) end,
            finished_at = case when r.held and r.after_seconds is null then now() else c.finished_at end,
            claim_token = case when r.held then null else c.claim_token end,
            lease_until = case when r.held then null else c.lease_until end,
            attempts = c.attempts + r.attempts,
            second_tries = c.second_tries + r.second_tries,
            first_attempt_at = coalesce(c.first_attempt_at, case when r.attempts > 0 then now() end),
            last_case = case when r.held then coalesce(r.last_case, c.last_case) else c.last_case end,
            model = case when r.held then coalesce(r.model, c.model) else coalesce(c.model, r.model) end,
            prompt_tokens = c.prompt_tokens + r.prompt_tokens,
            completion_tokens = c.completion_tokens + r.completion_tokens,
            cached_tokens = c.cached_tokens + r.cached_tokens,
            reasoning_tokens = c.reasoning_tokens + r.reasoning_tokens,
            cost_usd = case when r.cost_usd is null then c.cost_usd else coalesce(c.cost_usd, 0) + r.cost_usd end,
            cost_source = case when r.cost_source is null or c.cost_source = 'unknown' then c.cost_source
                               when r.cost_source = 'reported' then coalesce(c.cost_source, 'reported')
                               else r.cost_source end,
            latency_ms = case when r.held then coalesce(r.latency_ms, c.latency_ms)
                              else coalesce(c.latency_ms, r.latency_ms) end,
            calls = c.calls || case when not r.called then '[]' else jsonb_build_object(
                'at', now(), 'case', r.last_case, 'model', r.model, 'latency_ms', r.latency_ms,
                'prompt_tokens', r.prompt_tokens, 'completion_tokens', r.completion_tokens,
                'cached_tokens', r.cached_tokens, 'cost_usd', r.cost_usd, 'cost_source', r.cost_source) end
        from json_to_recordset(cast(:rows as json)) as r(
            workspace text, id text, created_at timestamptz, classifier_id uuid, held boolean, state text, reason text,
            tags jsonb, certainty jsonb, change text, after_seconds float8, called boolean, attempts int, second_tries int,
            last_case text, model text, prompt_tokens bigint, completion_tokens bigint, cached_tokens bigint,
            reasoning_tokens bigint, cost_usd numeric, cost_source text, latency_ms float8)
        where c.workspace = r.workspace and c.generation_id = r.id and c.created_at = r.created_at
          and c.classifier_id = r.classifier_id and c.created_at between :earliest and :latest
          and (r.held or r.called)
        """),
        {
            "rows": json.dumps([_named(one) | {"held": held} | _state(one) | _call(one) for one, held in ended]),
            **bounds,
        },
    )


def _write_tags(
    connection: Connection,
    current: Sequence[Ended],
    former: dict[tuple[Key, UUID], list[str]],
    bounds: dict[str, Any],
) -> None:
    """Put the tags onto the generations; a classifier's former dimensions that it no longer gives are removed.

    While a re-run is under way, retries included, the former tags stand.
    """
    rows = [
        _named(one)
        | {"former": former[_identity(one)], "tags": one.outcome.tags if isinstance(one.outcome, Tagged) else {}}
        for one in current
        if isinstance(one.outcome, Tagged) or (former[_identity(one)] and _is_final(one))
    ]
    if not rows:
        return
    connection.execute(
        text("""
        with merged as (
            select r.workspace, r.id, r.created_at, array_agg(distinct f.name) filter (where f.name is not null) as former,
                   jsonb_object_agg(t.key, t.value) filter (where t.key is not null) as tags
            from json_to_recordset(cast(:rows as json)) as r(
                workspace text, id text, created_at timestamptz, former text[], tags jsonb)
            left join lateral unnest(r.former) as f(name) on true
            left join lateral jsonb_each(r.tags) as t on true
            group by r.workspace, r.id, r.created_at
        ), locked as (
            select g.workspace, g.id, g.created_at, m.former, m.tags
            from merged m
            join generations g on g.workspace = m.workspace and g.id = m.id and g.created_at = m.created_at
            where g.created_at between :earliest and :latest
            order by g.workspace, g.id, g.created_at
            for update of g
        )
        update generations g
        set tags = (g.tags - coalesce(l.former, '{}')) || coalesce(l.tags, '{}')
        from locked l
        where g.workspace = l.workspace and g.id = l.id and g.created_at = l.created_at
          and g.created_at between :earliest and :latest
        """),
        {"rows": json.dumps(rows), **bounds},
    )


def _forget_text(connection: Connection, current: Sequence[Ended], bounds: dict[str, Any]) -> None:
    """Where a workspace keeps no text after classification, remove the transcripts that nobody will read again."""
    final = [_named(one) for one in current if _is_final(one)]
    if not final:
        return
    connection.execute(
        text("""
        delete from transcripts t
        using json_to_recordset(cast(:rows as json)) as r(workspace text, id text, created_at timestamptz), workspaces w
        where t.workspace = r.workspace and t.generation_id = r.id and t.created_at = r.created_at
          and t.created_at between :earliest and :latest
          and w.id = t.workspace and w.keep_text_days = 0
          and not exists (
            select from classifications c
            where c.workspace = t.workspace and c.generation_id = t.generation_id and c.created_at = t.created_at
              and c.created_at between :earliest and :latest and c.state in ('pending', 'running', 'retrying'))
        """),
        {"rows": json.dumps(final), **bounds},
    )


def _add_spend(connection: Connection, ended: Sequence[Ended]) -> None:
    """Add the calls to their classifiers' day, which daily budgets are held against."""
    calls = [
        {"classifier_id": str(one.claimed.classifier_id), "cost_usd": _cost(one.call)}
        for one in ended
        if one.call is not None
    ]
    if not calls:
        return
    connection.execute(
        text("""
        insert into classifier_spend (classifier_id, day, cost_usd, calls)
        select k.id, (now() at time zone 'utc')::date, coalesce(sum(r.cost_usd), 0), count(*)
        from json_to_recordset(cast(:calls as json)) as r(classifier_id uuid, cost_usd numeric)
        join classifiers k on k.id = r.classifier_id
        group by 1, 2 order by 1
        on conflict (classifier_id, day) do update
        set cost_usd = classifier_spend.cost_usd + excluded.cost_usd, calls = classifier_spend.calls + excluded.calls
        """),
        {"calls": json.dumps(calls)},
    )


def _state(one: Ended) -> dict[str, Any]:
    match one.outcome:
        case Tagged(tags=tags, certainty=certainty):
            return {"state": "tagged", "tags": tags, "certainty": certainty}
        case Failed(reason=reason):
            return {"state": "failed", "reason": reason}
        case Skipped(reason=reason):
            return {"state": "not_run", "reason": reason}
        case Retry(after_seconds=seconds, change=change):
            return {"state": "retrying", "after_seconds": seconds, "change": change or one.claimed.change}
        case Waiting(reason=reason, after_seconds=seconds):
            # What has been tried before stays `retrying`: its day to give up is counted from the first attempt.
            state = "retrying" if one.claimed.attempts and reason is None else "pending"
            return {"state": state, "reason": reason, "after_seconds": seconds, "change": one.claimed.change}


def _call(one: Ended) -> dict[str, Any]:
    call = one.call
    if call is None:
        return {"called": False, "attempts": 0, "second_tries": 0, **dict.fromkeys(_TOKENS, 0)}
    counted = not isinstance(one.outcome, Waiting)
    return {
        "called": True,
        "attempts": int(counted),
        "second_tries": int(call.once_more),
        "last_case": call.case,
        "model": call.model,
        "latency_ms": call.latency_ms,
        "cost_usd": _cost(call),
        "cost_source": call.usage.cost_source if call.usage else "unknown" if call.case is None else None,
        **{name: getattr(call.usage, name) if call.usage else 0 for name in _TOKENS},
    }


_TOKENS = ("prompt_tokens", "completion_tokens", "cached_tokens", "reasoning_tokens")


def _cost(call: Call | None) -> str | None:
    return str(call.usage.cost_usd) if call and call.usage and call.usage.cost_usd is not None else None


def _is_final(one: Ended) -> bool:
    return not isinstance(one.outcome, Retry | Waiting)


def _identity(one: Ended) -> tuple[Key, UUID]:
    return (one.claimed.key, one.claimed.classifier_id)


def _named(one: Ended) -> dict[str, Any]:
    workspace, id_, created_at = one.claimed.key
    return {
        "workspace": workspace,
        "id": id_,
        "created_at": created_at.isoformat(),
        "classifier_id": str(one.claimed.classifier_id),
    }


def _bounds(keys: Sequence[Key]) -> dict[str, Any]:
    times = [created_at for _, _, created_at in keys]
    return {"earliest": min(times), "latest": max(times)}
