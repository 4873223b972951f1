"""The demo's way through the line: start, configure, enqueue through the hook, and wait until every row has its end."""

import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Any

from console.demo import agreement, conversations
from console.demo.agreement import Agreement
from worker.errors import AftertagError

if TYPE_CHECKING:
    from worker.embedded import Running
    from worker.embedded.redis_engine import Wanted
    from worker.household import Household
    from worker.store.connecting import Engine
    from worker.store.reports import GenerationRow

DEADLINE_SECONDS = 75.0
LOOK_SECONDS = 0.2
OPENING_CHARACTERS = 48


class DemoFailedError(AftertagError):
    """The tags are not there: the message says what was missing, and where the worker's log is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Played:
    """How the demo ended."""

    generations: int
    tagged: int
    reasons: dict[str, int]
    seconds: float
    classifier: str
    dimensions: tuple[str, ...]
    agreement: Sequence[Agreement]
    tags: dict[str, dict[str, Any]]
    openings: dict[str, str] = field(repr=False)

    def to_json(self) -> dict[str, Any]:
        return {
            "generations": self.generations,
            "tagged": self.tagged,
            "reasons": self.reasons,
            "seconds": round(self.seconds, 2),
            "classifier": self.classifier,
            "agreement": {
                one.dimension: {
                    "share": round(one.share, 4),
                    "commonest_share": round(one.commonest_share, 4),
                    "n": one.n,
                }
                for one in self.agreement
            },
            "tags": [{"id": id_, "tags": tags} for id_, tags in sorted(self.tags.items())],
        }


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


def configure(engine: "Engine", *, actor: str) -> str:
    """Give workspace `demo` its classifier from the presets, active; return "name (endpoint model)"."""
    from console import definitions, session
    from worker import errors
    from worker.store import classifiers, members, workspaces

    definition = definitions.from_presets(conversations.PRESETS, {"sampling_rate": 1.0}, endpoints=session.endpoints())
    with engine.begin() as connection:
        try:
            workspaces.find(connection, conversations.WORKSPACE)
        except errors.NotFoundError:
            workspaces.create(connection, conversations.WORKSPACE)
        by = members.acting(connection, conversations.WORKSPACE, actor)
        step = classifiers.Step(name="work", definition=definition, state="active")
        classifiers.write(connection, conversations.WORKSPACE, [step], configured_by=by)
    return f"work ({definition.endpoint}: {definition.model})"


def enqueue(redis_url: str) -> int:
    """Hand every conversation to the hook, as an application would; return how many it took."""
    import api_hooks

    api_hooks.configure(url=redis_url, workspace=conversations.WORKSPACE)
    taken = sum(api_hooks.enqueue(**conversation) for conversation in conversations.conversations())
    if not api_hooks.flush(timeout_seconds=10):
        raise DemoFailedError("Redis did not take the demo's conversations within 10 s; try again.")
    return taken


def play(stage: Stage, *, classifier: str, generations: int, advanced: Callable[[int], object]) -> Played:
    """Wait until every generation has its end; `advanced` is called with how many have it.

    Raise DemoFailedError when the worker ends, or after 75 s.
    """
    began = time.monotonic()
    pause = Event()
    while True:
        rows = _look(stage.engine)
        ends = [_end(row) for row in rows]
        done = sum(end not in NOT_YET for end in ends)
        advanced(done)
        if done >= generations:
            break
        if ended := stage.home.ended():
            raise DemoFailedError(f"The {ended} ended by itself; read {str(stage.home.log_of(ended))!r}.")
        if time.monotonic() - began > DEADLINE_SECONDS:
            raise DemoFailedError(
                f"Only {done} of {generations} generations have an end after {DEADLINE_SECONDS:g} s;"
                f" read {str(stage.home.log_of('worker'))!r}."
            )
        pause.wait(LOOK_SECONDS)
    tags = {row.id: dict(row.tags) for row in rows if row.tags}
    return Played(
        generations=len(rows),
        tagged=ends.count("tagged"),
        reasons=dict(Counter(end for end in ends if end != "tagged")),
        seconds=time.monotonic() - began,
        classifier=classifier,
        dimensions=conversations.PRESETS,
        agreement=agreement.measure(conversations.hand_tags(), tags),
        tags=tags,
        openings={one["id"]: _opening(one) for one in conversations.conversations()},
    )


NOT_YET = ("pending", "running", "retrying", "auth_failed", "quota_exhausted")


def _look(engine: "Engine") -> "list[GenerationRow]":
    """The demo's own generations; a kept database may hold others beside them."""
    from worker.store import reports

    ours = {one["id"] for one in conversations.conversations()}
    since = datetime.now(UTC) - timedelta(days=2)
    with engine.connect() as connection:
        rows = reports.generations(connection, conversations.WORKSPACE, since=since, limit=1_000)
    return [row for row in rows if row.id in ours]


def _end(row: "GenerationRow") -> str:
    """ "tagged", or why not: a generation is tagged when any classifier tagged it."""
    return "tagged" if "tagged" in row.reasons else row.reasons[0]


def _opening(conversation: dict[str, Any]) -> str:
    """The first words of the first user turn."""
    said = next((one["content"] for one in conversation["messages"] if one["role"] == "user"), "")
    text = said if isinstance(said, str) else next((part.get("text", "") for part in said if "text" in part), "")
    line = " ".join(text.split())
    return line if len(line) <= OPENING_CHARACTERS else f"{line[:OPENING_CHARACTERS]}…"
