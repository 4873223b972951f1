"""The whole story of one generation: what was recorded, what became of it by each classifier, what people thought of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, Row, text

from worker.store import feedback, spans
from worker.store.feedback import Given
from worker.store.recording import Key
from worker.store.tables import NO_CLASSIFIER_ID

MOST_OF_ONE_ID = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassificationStory:
    """What became of the generation by one classifier; `classifier` is None where none was asked.

    `calls` has one entry for each model call, the first first: at (ISO 8601), case (None: answered), model, latency_ms,
    prompt_tokens, completion_tokens, cached_tokens, cost_usd, cost_source. `cost_usd` and the tokens are of all of them
    together; `billed_to` is the member who configured the classifier.
    `lease_ends_at` stands while a worker holds it, `due_at` while it waits, `finished_at` when nobody asks again.
    """

    classifier: str | None
    version: int | None
    endpoint: str | None
    state: str
    reason: str
    rate: float | None
    draw: float | None
    attempts: int
    lost_leases: int
    last_case: str | None
    first_attempt_at: datetime | None
    due_at: datetime | None
    lease_ends_at: datetime | None
    finished_at: datetime | None
    tags: dict[str, Any] | None
    certainty: dict[str, float] | None
    model: str | None
    prompt_tokens: int
    completion_tokens: int
    cached_tokens: int
    reasoning_tokens: int
    cost_usd: Decimal | None
    cost_source: str | None
    latency_ms: float | None
    billed_to: str | None
    calls: list[dict[str, Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """One generation; `recorded_at` is None when it has no row among generations (a call of our own).

    `turns` and `left_out` count the transcript's turns, None when its text is no longer kept.
    """

    workspace: str
    id: str
    created_at: datetime
    recorded_at: datetime | None
    app: str | None
    user: str | None
    session_id: str | None
    api_key_name: str | None
    model: str | None
    provider: str | None
    prompt_tokens: int | None
    completion_tokens: int | None
    cost_usd: Decimal | None
    cost_source: str | None
    latency_ms: float | None
    finish_reason: str | None
    tags: dict[str, Any]
    turns: int | None
    left_out: int | None
    keep_text_days: int | None
    classifications: tuple[ClassificationStory, ...]
    feedback: tuple[Given, ...]


def find(
    connection: Connection,
    id: str,  # noqa: A002
    *,
    workspace: str | None = None,
    around: datetime | None = None,
    within: timedelta = timedelta(hours=48),
) -> list[Key]:
    """The generations of that id, newest first, at most 100: one id may stand in several workspaces and at several times.

    `around` bounds the search to the time `within` of it; without it every day kept is looked at, each by its primary
    key: on a connection in autocommit, or the locks on all of them are held.
    """
    if around is not None:
        bounds = {"earliest": around - within, "latest": around + within + timedelta(microseconds=1)}
        return _find(connection, id, workspace, bounds, MOST_OF_ONE_ID)
    found: list[Key] = []
    for span in reversed(spans.of(connection, "classifications")):
        found += _find(connection, id, workspace, span.bounds, MOST_OF_ONE_ID - len(found))
        if len(found) >= MOST_OF_ONE_ID:
            break
    return found


def _find(
    connection: Connection, id_: str, workspace: str | None, bounds: dict[str, datetime], limit: int
) -> list[Key]:
    rows = connection.execute(
        text("""
        select distinct c.workspace, c.generation_id, c.created_at
        from workspaces w
        join classifications c on c.workspace = w.id and c.generation_id = :id
        where (cast(:workspace as text) is null or w.id = :workspace)
          and c.created_at >= :earliest and c.created_at < :latest
        order by c.created_at desc, c.workspace
        limit :limit
        """),
        {"id": id_, "workspace": workspace, "limit": limit, **bounds},
    )
    return [(row.workspace, row.generation_id, row.created_at) for row in rows]


def tell(connection: Connection, key: Key) -> Story:
    """The story of one generation that `find` found; reads one day's partitions, and feedback of the days since."""
    workspace, id_, created_at = key
    given = {"workspace": workspace, "id": id_, "created_at": created_at}
    classifications = connection.execute(text(_CLASSIFICATIONS), given).all()
    return Story(
        workspace=workspace,
        id=id_,
        created_at=created_at,
        classifications=tuple(_classification(row) for row in classifications),
        feedback=tuple(feedback.of_generation(connection, key)),
        **connection.execute(text(_GENERATION), given).one()._mapping,
    )


def stories(connection: Connection, keys: Sequence[Key]) -> list[Story]:
    """The stories of `keys`, in their order."""
    return [tell(connection, key) for key in keys]


# From the workspace outwards, because a call of our own has no row among generations.
_GENERATION = """
select g.recorded_at, g.app, g.user_id as user, g.session_id, g.api_key_name, g.model, g.provider,
       g.prompt_tokens, g.completion_tokens, g.cost_usd,
       case when g.cost_usd is not null then coalesce(g.cost_source, 'reported') end as cost_source,
       g.latency_ms, g.finish_reason, coalesce(g.tags, '{}') as tags,
       jsonb_array_length(t.turns) as turns, t.left_out, w.keep_text_days
from (select cast(:workspace as text) as id) named
left join workspaces w on w.id = named.id
left join generations g on g.workspace = :workspace and g.id = :id and g.created_at = :created_at
left join transcripts t on t.workspace = :workspace and t.generation_id = :id and t.created_at = :created_at
"""

_CLASSIFICATIONS = """
select c.classifier_id, c.version, c.endpoint, k.name as classifier, c.state, coalesce(c.reason, c.state) as reason,
       c.rate, c.draw, c.attempts, c.lost_leases, c.last_case, c.first_attempt_at,
       case when c.state in ('pending', 'retrying') then c.due_at end as due_at,
       case when c.state = 'running' then c.lease_until end as lease_ends_at, c.finished_at,
       c.tags, c.certainty, c.model, c.prompt_tokens, c.completion_tokens, c.cached_tokens, c.reasoning_tokens,
       c.cost_usd, c.cost_source, c.latency_ms, m.name as billed_to, c.calls
from classifications c
left join classifiers k on k.id = c.classifier_id
left join members m on m.id = c.billed_to
where c.workspace = :workspace and c.generation_id = :id and c.created_at = :created_at
order by k.name, c.classifier_id
"""


def _classification(row: Row[Any]) -> ClassificationStory:
    found = dict(row._mapping)
    if str(found.pop("classifier_id")) == NO_CLASSIFIER_ID:
        return ClassificationStory(**found | {"version": None, "endpoint": None})
    return ClassificationStory(**found | {"classifier": found["classifier"] or "(deleted)"})
