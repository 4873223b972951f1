"""What stands recorded: generations one by one, tags counted, and how much of it is tagged and why the rest is not."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Literal, TypedDict

from sqlalchemy import Connection, text

from worker import errors
from worker.reasons import TAGGED

By = Literal["app", "user", "model"]

_COLUMNS: dict[By, str] = {"app": "app", "user": "user_id", "model": "model"}


@dataclass(frozen=True, slots=True, kw_only=True)
class GenerationRow:
    """One generation as a list shows it; `reasons` has one entry for each classifier, "tagged" or why not."""

    id: str
    workspace: str
    created_at: datetime
    app: str | None
    user: str | None
    session_id: str | None
    model: str | None
    provider: str | None
    prompt_tokens: int | None
    completion_tokens: int | None
    cost_usd: Decimal | None
    cost_source: str | None
    latency_ms: float | None
    tags: dict[str, Any]
    reasons: list[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class TagCount:
    """How often a value was given; `share` is of the generations that have this dimension (in the same part).

    `cost_usd` is what those generations cost the application, as far as it is known, and `estimated_usd` that part of
    it which nobody reported; for `cost_unknown` generations it is not known.
    """

    dimension: str
    value: str
    part: str | None
    generations: int
    share: float
    cost_usd: Decimal | None
    estimated_usd: Decimal
    cost_unknown: int


class Coverage(TypedDict):
    """tagged + all reasons = classifications; a generation has one classification for each classifier.

    `generations` leaves out own calls, which stand among the reasons and never among generations; of `cost_unknown`
    nobody knows what they cost the application, of `cost_estimated` nobody reported it.
    """

    generations: int
    classifications: int
    tagged: int
    reasons: dict[str, int]
    cost_unknown: int
    cost_estimated: int


def workspace_of(connection: Connection, named: str | None) -> str:
    """The workspace to look at: `named`, or the only one there is. Raise NotFoundError, or InvalidRequestError."""
    names: list[str] = list(connection.execute(text("select id from workspaces order by id")).scalars())
    if named is not None:
        if named not in names:
            raise errors.NotFoundError(
                f"There is no workspace {named!r}; `aftertag workspace list` shows those there are."
            )
        return named
    if not names:
        raise errors.NotFoundError(
            "There is no workspace yet; run `aftertag demo`, or `aftertag workspace create NAME`."
        )
    if len(names) > 1:
        shown = ", ".join(map(repr, names[:5])) + (", …" if len(names) > 5 else "")
        raise errors.InvalidRequestError(f"There are several workspaces ({shown}); choose one with --workspace.")
    return names[0]


def generations(
    connection: Connection,
    workspace: str,
    *,
    since: datetime,
    until: datetime | None = None,
    app: str | None = None,
    user: str | None = None,
    model: str | None = None,
    tags: Sequence[tuple[str, str]] = (),
    reason: str | None = None,
    limit: int = 50,
) -> list[GenerationRow]:
    """The newest generations created from `since` on (before `until`) that meet every filter given.

    `reason` is "tagged", a state, or a reason; it is met when any classifier's classification has it.
    """
    wanted = {f"dimension_{place}": dimension for place, (dimension, _) in enumerate(tags)}
    wanted |= {f"value_{place}": value for place, (_, value) in enumerate(tags)}
    rows = connection.execute(
        text(f"""
        select g.id, g.workspace, g.created_at, g.app, g.user_id as user, g.session_id, g.model, g.provider,
               g.prompt_tokens, g.completion_tokens, g.cost_usd, g.latency_ms, g.tags,
               case when g.cost_usd is not null then coalesce(g.cost_source, 'reported') end as cost_source,
               array(select coalesce(c.reason, c.state) from classifications c
                     where c.workspace = g.workspace and c.generation_id = g.id and c.created_at = g.created_at
                       and c.created_at >= :since order by c.classifier_id) as reasons
        from generations g
        where g.workspace = :workspace and g.created_at >= :since
          and g.created_at < coalesce(:until, 'infinity'::timestamptz)
          and (cast(:app as text) is null or g.app = :app)
          and (cast(:user as text) is null or g.user_id = :user)
          and (cast(:model as text) is null or g.model = :model)
          {"".join(_has_tag(place) for place in range(len(tags)))}
          and (cast(:reason as text) is null or exists (
                select from classifications c
                where c.workspace = g.workspace and c.generation_id = g.id and c.created_at = g.created_at
                  and c.created_at >= :since and :reason in (coalesce(c.reason, c.state), c.state)))
        order by g.created_at desc, g.id
        limit :limit
        """),  # noqa: S608 - numbered parameters, no text of anybody's
        {
            "workspace": workspace,
            "since": since,
            "until": until,
            "app": app,
            "user": user,
            "model": model,
            "reason": reason,
            "limit": limit,
            **wanted,
        },
    )
    return [GenerationRow(**row._mapping) for row in rows]


def tag_counts(
    connection: Connection,
    workspace: str,
    *,
    since: datetime,
    dimension: str | None = None,
    by: By | None = None,
) -> list[TagCount]:
    """How often each value was given to generations created from `since` on; the commonest of a dimension first.

    A generation with several values of a dimension counts for each of them.
    """
    part = f"coalesce({_COLUMNS[by]}, '(none)')" if by else "null::text"
    rows = connection.execute(
        text(f"""
        with alike as (  -- few combinations of tags, many generations: counted before they are taken apart
            select tags, {part} as part, count(*) as generations, sum(cost_usd) as cost_usd,
                   sum(cost_usd) filter (where cost_source = 'estimated') as estimated_usd,
                   count(*) filter (where cost_usd is null) as cost_unknown
            from generations
            where workspace = :workspace and created_at >= :since and tags <> '{{}}'
            group by tags, part
        ), given as (
            select pair.key as dimension, pair.value, alike.*
            from alike cross join lateral jsonb_each(tags) as pair
            where cast(:dimension as text) is null or pair.key = :dimension
        ), totals as (
            select dimension, part, sum(generations) as generations from given group by dimension, part
        ), counted as (
            select dimension, value.value, part, sum(generations)::bigint as generations, sum(cost_usd) as cost_usd,
                   coalesce(sum(estimated_usd), 0) as estimated_usd, sum(cost_unknown)::bigint as cost_unknown
            from given
            cross join lateral jsonb_array_elements_text(
                case jsonb_typeof(given.value) when 'array' then given.value else jsonb_build_array(given.value) end
            ) as value(value)
            group by dimension, value.value, part
        )
        select c.dimension, c.value, c.part, c.generations, (c.generations / t.generations)::float8 as share,
               c.cost_usd, c.estimated_usd, c.cost_unknown
        from counted c
        join totals t on t.dimension = c.dimension and t.part is not distinct from c.part
        order by c.dimension, c.part, c.generations desc, c.value
        """),  # noqa: S608 - a column of the table above
        {"workspace": workspace, "since": since, "dimension": dimension},
    )
    return [TagCount(**row._mapping) for row in rows]


def dimensions(connection: Connection, workspace: str) -> list[str]:
    """The dimensions that any classifier of the workspace asks, or asked in an earlier version."""
    rows = connection.execute(
        text("""
        select distinct unnest(v.dimensions) as dimension
        from classifiers k join classifier_versions v on v.classifier_id = k.id
        where k.workspace = :workspace order by 1
        """),
        {"workspace": workspace},
    )
    return list(rows.scalars())


def coverage(connection: Connection, workspace: str, since: datetime | None = None) -> Coverage:
    """How many classifications are tagged, and why the others are not, of generations created from `since` on."""
    given = {"workspace": workspace, "since": since}
    rows = connection.execute(
        text("""
        select coalesce(reason, state) as reason, count(*) as classifications from classifications
        where workspace = :workspace and created_at >= coalesce(:since, '-infinity'::timestamptz)
        group by 1 order by 2 desc, 1
        """),
        given,
    )
    counted: dict[str, int] = {row.reason: row.classifications for row in rows}
    found = connection.execute(
        text("""
        select count(*) as generations, count(*) filter (where cost_usd is null) as cost_unknown,
               count(*) filter (where cost_source = 'estimated') as cost_estimated
        from generations
        where workspace = :workspace and created_at >= coalesce(:since, '-infinity'::timestamptz)
        """),
        given,
    ).one()
    return Coverage(
        generations=found.generations,
        classifications=sum(counted.values()),
        tagged=counted.pop(TAGGED, 0),
        reasons=counted,
        cost_unknown=found.cost_unknown,
        cost_estimated=found.cost_estimated,
    )


def _has_tag(place: int) -> str:
    # Containment uses the GIN index; a dimension with several values holds an array.
    return f"""
          and (g.tags @> jsonb_build_object(cast(:dimension_{place} as text), cast(:value_{place} as text))
            or g.tags @> jsonb_build_object(cast(:dimension_{place} as text),
                                            jsonb_build_array(cast(:value_{place} as text))))
    """
