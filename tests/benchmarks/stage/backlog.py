"""Generations to classify: recorded as the recorder does it, asked about by one classifier of two dimensions."""

import os
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, text

from api_hooks import wire
from taxonomies import presets
from taxonomies.definition import ClassifierDefinition
from tests.benchmarks.stage import texts
from tests.benchmarks.stage.services import Place
from tests.waiting import wait_until
from worker import app, recording
from worker.settings import Settings
from worker.store import classifiers, partitions, workspaces
from worker.store.recording import Key

WORKSPACE = "bench"
ENDPOINT = "bench"
PRESETS = ("department", "task_type")
BATCH = 200
DIFFERENT = 500
"""So many different conversations; each record's ids and numbers differ."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What the tables hold: classifications by state, and the generations that have both tags."""

    tagged: int
    open: int
    failed: int
    asked_more_than_once: int
    generations_tagged: int


def with_classifier(place: Place) -> ClassifierDefinition:
    """Give the benchmark's workspace its classifier."""
    preset = presets.combined(PRESETS)
    definition = ClassifierDefinition(
        taxonomy=preset.taxonomy, prompt=preset.prompt, endpoint=ENDPOINT, model="gpt-4o-mini"
    )
    with place.engine.begin() as connection:
        workspaces.create(connection, WORKSPACE)
        classifiers.create(connection, WORKSPACE, "bench", definition, state="active", configured_by=None)
    return definition


def record(place: Place, count: int, *, characters: int) -> list[Key]:
    """Record `count` generations, and ring for none; return their keys, oldest first."""
    partitions.make(place.engine, {datetime.now(UTC).date()})
    keys: list[Key] = []
    for documents in _batches(count, characters):
        accepted, rejected = recording.check(documents, now=datetime.now(UTC), past=timedelta(days=1))
        assert not rejected, rejected[0].error
        with place.engine.begin() as connection:
            new, _ = recording.write(connection, accepted)
        assert len(new) == len(accepted)
        keys += sorted(new)
    with place.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("vacuum analyze"))
    return keys


def ring(place: Place, keys: list[Key]) -> None:
    """Ring for `keys`, as the recorder does after its commit."""
    with app.make(Settings.from_environment({}), redis_url=place.redis_url) as ringing:
        app.ring(ringing, ENDPOINT, keys)


def generation(number: int, *, characters: int) -> dict[str, Any]:
    """Return one generation of the wire."""
    return {
        **_identity(number),
        "id_given": False,
        "workspace": WORKSPACE,
        "model": "gpt-4o",
        "provider": "openai",
        "turns": texts.turns(characters, seed=number % DIFFERENT),
        "tools": ["run_sql", "search_web"],
        "usage": {"prompt": characters // 4, "completion": 200},
        "cost_usd": 0.002,
        "latency_ms": 900.0,
        "finish_reason": "stop",
        "user": f"user-{number % 50}",
        "app": "bench",
        "metadata": {"release": "7"},
    }


def standing(place: Place) -> Standing:
    """Count what became of everything that was recorded."""
    with place.engine.connect() as connection:
        row = connection.execute(
            text("""
            select count(*) filter (where state = 'tagged') as tagged,
                   count(*) filter (where state in ('pending', 'running', 'retrying')) as open,
                   count(*) filter (where state = 'failed') as failed,
                   count(*) filter (where attempts > 1) as asked_more_than_once,
                   (select count(*) from generations where tags ?& array['department', 'task_type'])
                       as generations_tagged
            from classifications
            """)
        ).one()
    return Standing(**row._mapping)


def wait_until_all_tagged(place: Place, count: int) -> Standing:
    """Return when nothing is open any more; fail unless `count` classifications ended, and all of them in tags."""
    wait_until(lambda: not standing(place).open, deadline_seconds=120, what="the end of the backlog")
    found = standing(place)
    assert found.tagged == count, found
    return found


def database_now(connection: Connection) -> datetime:
    found: datetime = connection.execute(text("select clock_timestamp()")).scalar_one()
    return found


def tagged_between(place: Place, earliest: datetime, latest: datetime) -> int:
    """Count the classifications whose tags were written in that time, by the database's clock."""
    with place.engine.connect() as connection:
        return int(
            connection.execute(
                text("""
                select count(*) from classifications
                where state = 'tagged' and finished_at >= :earliest and finished_at < :latest
                """),
                {"earliest": earliest, "latest": latest},
            ).scalar_one()
        )


def environment(place: Place, model_url: str | None, settings: Mapping[str, object]) -> dict[str, str]:
    """Return the variables of a worker here; without a model's address it records and classifies nothing."""
    variables = {f"AFTERTAG_{name.upper()}": str(value) for name, value in settings.items()}
    if model_url is not None:
        variables |= {"AFTERTAG_ENDPOINT_BENCH_URL": model_url, "AFTERTAG_ENDPOINT_BENCH_KEY": "bench-key"}
    return variables | {
        "AFTERTAG_DATABASE_URL": place.database_url,
        "AFTERTAG_REDIS_URL": place.redis_url,
        "AFTERTAG_LOG_FORMAT": "json",
    }


def _batches(count: int, characters: int) -> Iterator[list[object]]:
    known = [generation(number, characters=characters) for number in range(min(count, DIFFERENT))]
    for start in range(0, count, BATCH):
        numbers = range(start, min(start + BATCH, count))
        yield [known[number % DIFFERENT] | _identity(number) for number in numbers]


def _identity(number: int) -> dict[str, str]:
    now = time.time()
    return {
        "id": wire.uuid7(int(now * 1000), os.urandom(10)),
        "created_at": datetime.fromtimestamp(now, UTC).isoformat(),
        "session_id": f"session-{number // 4}",
    }
