"""What years of days cost a sweep, and that a PostgreSQL with its default settings is enough for them.

Every day gets one generation: recorded, found by a sweep, tagged, and told by `story.find`. Then nothing is unfinished
any more, and that is the sweep that is timed: `sweep_ms` is one between two looks through all days, `look_ms` such a
look, which takes 2 % of the time. Beside it the plain design: the same statements over all days at once.
"""

import argparse
import itertools
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median

from sqlalchemy import Engine

from tests.acceptance import samples
from tests.acceptance.in_process import InProcess, in_process
from tests.model_server import ModelServer
from worker import sweeping
from worker.embedded.postgres import Postgres
from worker.open_days import OpenDays
from worker.store import claims, locks, migrations, partitions, story
from worker.store import engine as engines
from worker.store.spans import Span

TITLE = "A sweep over years of days, PostgreSQL with its default settings"
DEFAULTS = {"max_connections": "100", "max_locks_per_transaction": "64"}
ROUNDS = 7


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--days", type=int, default=1_500, help="with one generation each")


def run(arguments: argparse.Namespace) -> dict[str, object]:
    """Return milliseconds, and how many locks there are and the plain design takes."""
    now = datetime.now(UTC)
    times = [now - timedelta(days=age) for age in range(arguments.days)]
    with tempfile.TemporaryDirectory(prefix="aftertag-bench-") as directory, ModelServer() as server:
        Path(directory).chmod(0o711)
        postgres = Postgres(directory=Path(directory) / "postgres", durable=False, settings=DEFAULTS)
        postgres.start()
        try:
            migrations.upgrade(postgres.url)
            settings = {"past_days": arguments.days + 10, "call_timeout_seconds": 20, "ring_again_seconds": 0.001}
            with in_process(postgres.url, {"test": server.url}, **settings) as line:
                samples.classifier(line.engine)
                partitions.make(line.engine, [time.date() for time in times])
                return _whole_life(line, times) | _figures(line.engine, line, times)
        finally:
            postgres.stop()


def _whole_life(line: InProcess, times: list[datetime]) -> dict[str, object]:
    """Record, sweep, tag and find one generation a day; return the seconds."""
    began = time.perf_counter()
    documents = [samples.generation(f"g{age}", created_at=at.isoformat()) for age, at in enumerate(times)]
    assert len(line.record(*documents).new) == len(times)
    recorded = time.perf_counter()
    line.bells.clear()
    assert line.sweep() == len(times)
    swept = time.perf_counter()
    line.answer_bells()
    tagged = time.perf_counter()
    with engines.reading(line.engine) as connection:
        [key] = story.find(connection, f"g{len(times) // 2}")
        assert [one.state for one in story.tell(connection, key).classifications] == ["tagged"]
    return {
        "days": len(times),
        "record_seconds": round(recorded - began, 2),
        "sweep_of_all_seconds": round(swept - recorded, 2),
        "tag_seconds": round(tagged - swept, 2),
        "why_ms": round(1000 * (time.perf_counter() - tagged), 1),
    }


def _figures(engine: Engine, line: InProcess, times: list[datetime]) -> dict[str, object]:
    everything = Span(first=times[-1].date(), last=times[0].date())
    with engine.connect() as connection:
        found = locks.look(connection)
    stopped = itertools.chain([0.0], itertools.repeat(1.0))  # it looks once, and for half a minute no more: for ever
    line.line.open_days = OpenDays(clock=lambda: next(stopped))
    sweeping.sweep(line.line, depth=lambda queue: 0)
    return {
        "look_ms": _median_ms(lambda: OpenDays().spans(engine, today=times[0].date())),
        "sweep_ms": _median_ms(line.sweep),
        "plain_sweep_ms": _median_ms(lambda: _plain(engine, everything)),
        "locks": found.room,
        "plain_locks": found.of_one_table,
    }


def _plain(engine: Engine, everything: Span) -> None:
    with engine.begin() as connection:
        claims.take_back_lost_leases(connection, everything)
        claims.oldest_waits(connection, everything)
    with engine.begin() as connection:
        claims.is_refusing(connection, everything, endpoint="test", lately_seconds=30)
        claims.stamp_due(connection, everything, endpoint="test", ring_again_seconds=30, limit=10_000)


def _median_ms(step: Callable[[], object]) -> float:
    taken = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        step()
        taken.append(1000 * (time.perf_counter() - began))
    return round(median(taken), 1)
