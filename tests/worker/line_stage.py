"""A worker process's line on a real database, and generations as they come over the wire."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from redis import RedisError
from sqlalchemy import Engine, text

from classifier_models import endpoints
from tests.worker.classifier_samples import definition
from worker import recording
from worker.gates import Gates
from worker.line import Line
from worker.metrics import Metrics
from worker.recording import Recorded
from worker.redacting import Redaction
from worker.settings import Settings
from worker.store import classifiers, installation, members, workspaces
from worker.store.recording import Key
from worker.store.spans import Span

NOW = datetime.now(UTC).replace(microsecond=0)
EVER = Span(first=date(2000, 1, 1), last=date(2100, 1, 1))


class Bells(list[tuple[str, Key]]):
    """Whom a line rang for, in order; `depth` is what every queue seems to hold, or the error of asking."""

    depth: int | RedisError = 0

    def ring(self, endpoint: str, keys: Sequence[Key]) -> None:
        self.extend((endpoint, key) for key in keys)

    def depth_of(self, queue: str) -> int:
        if isinstance(self.depth, RedisError):
            raise self.depth
        return self.depth


@dataclass(frozen=True, slots=True, kw_only=True)
class Staged:
    """A line with what its surroundings see of it: whom it rang for, which queues it consumes."""

    line: Line
    bells: Bells
    gates: Gates


@contextmanager
def open_line(engine: Engine, *, redaction: Redaction | None = None, **settings: str) -> Iterator[Staged]:
    """A started line whose bells are collected; stopped at the end. Settings by their variables' names."""
    bells, gates = Bells(), Gates()
    line = Line(
        settings=Settings.from_environment({f"AFTERTAG_{name.upper()}": value for name, value in settings.items()}),
        engine=engine,
        endpoints=endpoints.from_environment({}),
        gates=gates,
        ring=bells.ring,
        metrics=Metrics(),
        depth=bells.depth_of,
        redaction=redaction,
    )
    line.start()
    try:
        yield Staged(line=line, bells=bells, gates=gates)
    finally:
        line.stop_claiming()
        line.stop()


def wire(id_: str, *, workspace: object = "acme", created_at: object = NOW, **fields: Any) -> dict[str, Any]:
    """A generation as the hook sends it."""
    return {
        "id": id_,
        "id_given": True,
        "workspace": workspace,
        "created_at": created_at.isoformat() if isinstance(created_at, datetime) else created_at,
        "turns": [["user", "Why is the sky blue?", None, None], ["assistant", "It scatters.", None, None]],
        **fields,
    }


def batch(*generations: object, **fields: Any) -> dict[str, Any]:
    return {"v": 1, "generations": list(generations), **fields}


def record(line: Line, *generations: object, **fields: Any) -> Recorded:
    """Record a batch at the present moment."""
    return recording.record(line.recorder, batch(*generations, **fields), now=NOW)


def classifier(
    engine: Engine,
    name: str = "work",
    *,
    dimension: str = "department",
    workspace: str = "acme",
    member: str = "ada",
    **fields: Any,
) -> classifiers.Classifier:
    """An active classifier, configured by a member of its own."""
    with engine.begin() as connection:
        if connection.execute(text("select from workspaces where id = :id"), {"id": workspace}).first() is None:
            workspaces.create(connection, workspace)
        return classifiers.create(
            connection,
            workspace,
            name,
            definition(dimension, **fields),
            state="active",
            configured_by=members.acting(connection, workspace, member),
        )


def rows(engine: Engine, statement: str, **given: Any) -> list[Any]:
    """The rows of a statement; those of one column as plain values."""
    with engine.connect() as connection:
        found = [tuple(row) for row in connection.execute(text(statement), given)]
    return [row[0] for row in found] if found and len(found[0]) == 1 else found


def mark(engine: Engine) -> str:
    """The installation's mark of own calls."""
    with engine.connect() as connection:
        return installation.own_call_mark(connection)


def count(engine: Engine, table: str) -> int:
    return int(rows(engine, f"select count(*) from {table}")[0])  # noqa: S608 - a table that a test names
