"""All tags of a workspace that Langfuse does not have yet, sent in pages, each remembered before the next."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from console.langfuse.client import Langfuse, Rejected
from console.langfuse.scores import outdated, scores_of
from worker.store import langfuse_scores as sent_scores
from worker.store.connecting import Engine
from worker.store.langfuse_scores import Unsent

GENERATIONS_AT_ONCE = 200


@dataclass(slots=True, kw_only=True)
class Pushed:
    """How many generations were brought up to date, how many scores were sent and deleted, and which were not taken."""

    generations: int = 0
    scores: int = 0
    deleted: int = 0
    rejected: list[Rejected] = field(default_factory=list)


def push(
    engine: Engine,
    langfuse: Langfuse | None,
    *,
    workspace: str,
    project: str,
    since: datetime | None,
    advanced: Callable[[Pushed], object] = lambda pushed: None,
) -> Pushed:
    """Send the scores of every tagged generation with a trace; without `langfuse`, only count them.

    A generation is remembered when all its scores are taken. Cut off in between, what was sent and not remembered is sent
    again, and is the same scores. `advanced` is called after each page.
    """
    pushed = Pushed()
    place = sent_scores.BEGINNING
    while page := _page(engine, workspace, project=project, since=since, after=place):
        place = page[-1].place
        done = _send(page, langfuse, pushed)
        if langfuse is not None:
            with engine.begin() as connection:
                sent_scores.remember(connection, done, project=project)
        pushed.generations += len(done)
        advanced(pushed)
    return pushed


def _page(
    engine: Engine, workspace: str, *, project: str, since: datetime | None, after: sent_scores.Place
) -> list[Unsent]:
    with engine.connect() as connection:
        return sent_scores.unsent(
            connection, workspace, project=project, since=since, after=after, limit=GENERATIONS_AT_ONCE
        )


def _send(page: list[Unsent], langfuse: Langfuse | None, pushed: Pushed) -> list[Unsent]:
    """Send a page's scores and delete what stands for no tag any more; return the generations that are done."""
    scores = [score for one in page for score in scores_of(one)]
    gone = [id_ for one in page for id_ in outdated(one)]
    rejected = langfuse.send(scores) if langfuse is not None else []
    for id_ in gone:
        if langfuse is not None:
            langfuse.delete(id_)
    pushed.scores += len(scores) - len(rejected)
    pushed.deleted += len(gone)
    pushed.rejected += rejected
    refused = {one.score.generation_id for one in rejected}
    return [one for one in page if one.id not in refused]
