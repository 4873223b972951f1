"""The demo's way through the line: start, configure, enqueue through the hook, and wait until every row has its end."""

import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Any

from console.demo import agreement, conversations, troubles
from console.demo.choosing import Choice
from console.demo.played import TAGGED_AT_LEAST, Played, Trouble
from worker import reasons
from worker.errors import AftertagError

if TYPE_CHECKING:
    from worker.embedded import Running
    from worker.embedded.redis_engine import Wanted
    from worker.household import Household
    from worker.store.connecting import Engine
    from worker.store.reports import GenerationRow

DEADLINE_SECONDS = 75.0
REFUSAL_SECONDS = 5.0
"""How long a refused key is looked at: until then the others have learnt of it, too."""
LOOK_SECONDS = 0.2
OPENING_CHARACTERS = 48


class DemoFailedError(AftertagError):
    """The demo did not get as far as waiting for tags: the message says what was missing."""


@dataclass(slots=True, kw_only=True)
class Stage:
    """The demo's services and processes, up and migrated."""

    running: "Running"
    engine: "Engine"
    home: "Household"


def set_up(stack: ExitStack, data_dir: Path, *, redis_engine: "Wanted", keep: bool) -> Stage:
    """Start PostgreSQL, Redis, a worker and a beat; migrate. They end with `stack`, unless kept."""
    from worker import household
    from worker.embedded import services
    from worker.store import engine as engines
    from worker.store import migrations, partitions

    running = stack.enter_context(services(data_dir, redis_engine=redis_engine, keep=keep))
    migrations.upgrade(running.database_url)
    engine = stack.enter_context(engines.connecting(running.database_url, application="aftertag demo"))
    partitions.make_ahead(engine, today=datetime.now(UTC).date())
    home = stack.enter_context(household.household(running, {"AFTERTAG_LOG_FORMAT": "json"}, keep=keep))
    return Stage(running=running, engine=engine, home=home)


def configure(engine: "Engine", choice: Choice, *, actor: str) -> None:
    """Give workspace `demo` its classifier from the presets, active."""
    from worker import errors
    from worker.store import classifiers, members, workspaces

    with engine.begin() as connection:
        try:
            workspaces.find(connection, conversations.WORKSPACE)
        except errors.NotFoundError:
            workspaces.create(connection, conversations.WORKSPACE)
        by = members.acting(connection, conversations.WORKSPACE, actor)
        step = classifiers.Step(name="work", definition=choice.definition, state="active")
        classifiers.write(connection, conversations.WORKSPACE, [step], configured_by=by)


def enqueue(redis_url: str) -> int:
    """Hand every conversation to the hook, as an application would; return how many it took."""
    import api_hooks

    api_hooks.configure(url=redis_url, workspace=conversations.WORKSPACE)
    taken = sum(api_hooks.enqueue(**conversation) for conversation in conversations.conversations())
    if not api_hooks.flush(timeout_seconds=10):
        raise DemoFailedError("Redis did not take the demo's conversations within 10 s; try again.")
    return taken


def play(stage: Stage, choice: Choice, *, generations: int, advanced: Callable[[int], object]) -> Played:
    """Wait until every generation has its end; `advanced` is called with how many have it.

    Less is waited for when the worker ends, when the endpoint refuses the key, and after 75 s: the trouble says so.
    """
    began = time.monotonic()
    refused_since: float | None = None
    pause = Event()
    while True:
        look = _look(stage.engine)
        advanced(look.done)
        seconds = time.monotonic() - began
        refused_since = None if not look.waiting else seconds if refused_since is None else refused_since
        if look.done >= generations:
            return _played(choice, look, _few_tags(choice, look), seconds=seconds)
        if refused_since is not None and (
            look.done + len(look.waiting) >= generations or seconds - refused_since > REFUSAL_SECONDS
        ):
            return _played(choice, look, troubles.refused(choice.definition, look.waiting[0]), seconds=seconds)
        if trouble := _standstill(stage, look, seconds=seconds):
            return _played(choice, look, trouble, seconds=seconds)
        pause.wait(LOOK_SECONDS)


WAITING = tuple(str(reason) for reason in reasons.of(reasons.Kind.WAITING))
NOT_YET = (*(str(reason) for reason in reasons.of(reasons.Kind.NOT_YET)), *WAITING)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Look:
    """The demo's own generations at one moment, and for each "tagged" or why not: tagged by any classifier is tagged."""

    rows: "Sequence[GenerationRow]"

    @property
    def ends(self) -> list[str]:
        return [reasons.TAGGED if reasons.TAGGED in row.reasons else row.reasons[0] for row in self.rows]

    @property
    def done(self) -> int:
        return sum(end not in NOT_YET for end in self.ends)

    @property
    def waiting(self) -> list[str]:
        return [end for end in self.ends if end in WAITING]


def _look(engine: "Engine") -> _Look:
    """Look at the demo's own generations; a kept database may hold others beside them."""
    from worker.store import reports

    ours = {one["id"] for one in conversations.conversations()}
    since = datetime.now(UTC) - timedelta(days=2)
    with engine.connect() as connection:
        rows = reports.generations(connection, conversations.WORKSPACE, since=since, limit=1_000)
    return _Look(rows=[row for row in rows if row.id in ours])


def _few_tags(choice: Choice, look: _Look) -> Trouble | None:
    enough = look.ends.count(reasons.TAGGED) >= TAGGED_AT_LEAST * len(look.rows)
    return None if enough else troubles.few_tags(choice.definition, look.ends)


def _standstill(stage: Stage, look: _Look, *, seconds: float) -> Trouble | None:
    if name := stage.home.ended():
        return troubles.ended(name, stage.home.log_of(name))
    if seconds <= DEADLINE_SECONDS:
        return None
    case = _last_case(stage.engine, look)
    return troubles.late(look.ends, last_case=case, seconds=DEADLINE_SECONDS, log=stage.home.log_of("worker"))


def _last_case(engine: "Engine", look: _Look) -> str | None:
    """What the last attempt at one of those met that have no end."""
    from worker.store import engine as engines
    from worker.store import story

    waiting = [row for row in look.rows if reasons.TAGGED not in row.reasons]
    with engines.reading(engine) as connection:
        for row in waiting[:1]:
            told = story.tell(connection, (row.workspace, row.id, row.created_at))
            return next((one.last_case for one in told.classifications), None)
    return None


def _played(choice: Choice, look: _Look, trouble: Trouble | None, *, seconds: float) -> Played:
    tags = {row.id: dict(row.tags) for row in look.rows if row.tags}
    return Played(
        generations=len(look.rows),
        tagged=look.ends.count(reasons.TAGGED),
        reasons=dict(Counter(end for end in look.ends if end != reasons.TAGGED)),
        seconds=seconds,
        classifier=choice.classifier,
        dimensions=conversations.PRESETS,
        agreement=agreement.measure(conversations.hand_tags(), tags),
        tags=tags,
        openings={one["id"]: _opening(one) for one in conversations.conversations()},
        trouble=trouble,
    )


def _opening(conversation: dict[str, Any]) -> str:
    """The first words of the first user turn."""
    said = next((one["content"] for one in conversation["messages"] if one["role"] == "user"), "")
    text = said if isinstance(said, str) else next((part.get("text", "") for part in said if "text" in part), "")
    line = " ".join(text.split())
    return line if len(line) <= OPENING_CHARACTERS else f"{line[:OPENING_CHARACTERS]}…"
