"""Every file of real conversations through `aftertag import` and the whole line: nothing crashes, everything is accounted for.

Three classifiers: `local` at 100 %, the test model server at 100 %, and the same server at 10 % in the same workspace.
Raises AssertionError when a generation is missing, when tagged and the reasons do not add up to all, when the sample is
outside of its binomial bounds (four standard deviations) or no subset, or when a worker ended or logged an error.
"""

import argparse
import json
import math
import os
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, text

from taxonomies import presets
from taxonomies.definition import ClassifierDefinition
from tests.benchmarks.local import REPOSITORY
from tests.model_server import ModelServer
from tests.waiting import wait_until
from worker.embedded import Running, services
from worker.household import household
from worker.store import classifiers, migrations, partitions, workspaces
from worker.store import engine as engines

TITLE = "Real conversations through the whole line"
DEADLINE_SECONDS = 900.0
CLASSIFIERS = (
    ("by-local", "department", "department", "local", 1.0),
    ("by-server", "department", "department", "server", 1.0),
    ("by-server", "task-type", "task_type", "server", 0.1),
)
"""Workspace, name, preset, endpoint, sampling rate."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    given = os.environ.get("AFTERTAG_DATA_SAMPLES")
    default = Path(given) if given else REPOSITORY.parent / "shared" / "data"
    parser.add_argument(
        "--data", type=Path, default=default, help="directory with .jsonl files (AFTERTAG_DATA_SAMPLES)"
    )


def run(arguments: argparse.Namespace) -> dict[str, object]:
    """Return, for each classifier, how many generations it tagged and why it did not tag the others."""
    files = sorted(arguments.data.glob("*.jsonl"))
    if not files:
        raise SystemExit(f"There are no samples at {arguments.data}: name their directory with --data.")
    with tempfile.TemporaryDirectory() as directory, ModelServer() as server, services(Path(directory)) as running:
        migrations.upgrade(running.database_url)
        environ = {"AFTERTAG_ENDPOINT_SERVER_URL": server.url, "AFTERTAG_LOG_FORMAT": "json"}
        with (
            engines.connecting(running.database_url) as engine,
            household(running, environ) as home,
        ):
            _configure(engine)
            began = time.monotonic()
            lines = [_import(running, workspace, files) for workspace in ("by-local", "by-server")]
            imported_seconds = time.monotonic() - began
            wait_until(lambda: _unfinished(engine) == 0, deadline_seconds=DEADLINE_SECONDS, what="an end for every row")
            seconds = time.monotonic() - began
            again = _import(running, "by-server", files)
            assert home.ended() is None, "a process ended by itself"
            errors = [line for line in home.log_of("worker").read_text().splitlines() if '"level": "error"' in line]
        assert not errors, f"the worker logged {len(errors)} errors"
        with engines.connecting(running.database_url) as engine:
            result = _result(engine, lines, again)
    return result | {"import_seconds": round(imported_seconds, 1), "seconds": round(seconds, 1)}


def _configure(engine: Engine) -> None:
    partitions.make_ahead(engine, today=datetime.now(UTC).date())
    with engine.begin() as connection:
        for workspace in dict.fromkeys(one[0] for one in CLASSIFIERS):
            workspaces.create(connection, workspace)
        for workspace, name, preset_name, endpoint, rate in CLASSIFIERS:
            preset = presets.load(preset_name)
            definition = ClassifierDefinition(
                taxonomy=preset.taxonomy,
                prompt=preset.prompt,
                endpoint=endpoint,
                model="local-lexical" if endpoint == "local" else "test-model",
                sampling_rate=rate,
            )
            classifiers.create(connection, workspace, name, definition, state="active", configured_by=None)


def _import(running: Running, workspace: str, files: list[Path]) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-P", "-m", "console", "import", "--json", "--workspace", workspace, *map(str, files)],
        env={**os.environ, "AFTERTAG_DATABASE_URL": running.database_url},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"the import ended with {done.returncode}: {done.stderr[-500:]}"
    return dict(json.loads(done.stdout))


def _unfinished(engine: Engine) -> int:
    with engine.connect() as connection:
        query = "select count(*) from classifications where state in ('pending', 'running', 'retrying')"
        return int(connection.execute(text(query)).scalar_one())


def _result(engine: Engine, lines: list[dict[str, Any]], again: dict[str, Any]) -> dict[str, object]:
    generations = lines[0]["recorded"]
    assert all(one["recorded"] == generations and one["lines"] == generations for one in lines)
    assert again["recorded"] == 0, "a second import brought something in twice"
    assert again["known"] == generations
    result: dict[str, object] = {"generations": generations}
    with engine.connect() as connection:
        for workspace, name, _, _, _ in CLASSIFIERS:
            counts = dict(
                connection.execute(
                    text("""
                    select coalesce(c.reason, c.state), count(*) from classifications c
                    join classifiers k on k.id = c.classifier_id
                    where c.workspace = :workspace and k.name = :name group by 1 order by 2 desc
                    """),
                    {"workspace": workspace, "name": name},
                )
                .tuples()
                .all()
            )
            assert sum(counts.values()) == generations, f"{workspace}/{name}: {counts} is not {generations}"
            result[f"{workspace}/{name}"] = counts
        sampled = connection.execute(
            text("""
            select count(*) filter (where c.reason is distinct from 'sampled_out'),
                   count(*) filter (where c.reason is distinct from 'sampled_out' and not exists (
                     select from classifications a where a.workspace = c.workspace and a.generation_id = c.generation_id
                       and a.created_at = c.created_at and a.rate = 1 and a.draw = c.draw))
            from classifications c where c.rate < 1
            """)
        ).one()
    expected, deviation = generations * 0.1, math.sqrt(generations * 0.1 * 0.9)
    assert abs(sampled[0] - expected) <= 4 * deviation, f"{sampled[0]} sampled of {generations}"
    assert sampled[1] == 0, "the sample is no subset"
    return result | {
        "sampled": sampled[0],
        "sampled_expected": round(expected),
        "sampled_deviation": round(deviation, 1),
    }
