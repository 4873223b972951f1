"""How many classifications one worker process ends per second while its model takes 300 ms, beside the plain design.

The latency limit of `n` calls in flight is n / 0.3 s; a fraction of 1 would be a worker that costs nothing. Measured
is the even stretch of a backlog: claim, load, render, call, answer check, tag write, everything of it on this machine,
PostgreSQL, Redis and the model server too. The comparators (`stage/plain.py`) do less and run in the same run; they
are held against the run with 512 in flight.
"""

import argparse
import sys
import time
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

from tests.benchmarks.stage import backlog, plain, programs, services, steady
from tests.benchmarks.stage.services import Place
from worker import embedded

TITLE = "One worker process, a model that answers in 300 ms"
LATENCY_SECONDS = 0.3
HANG_SHARE = 0.01
HANG_SECONDS = 30.0
CHARACTERS = 3_000
TAIL_SHARE = 0.95
"""The measured stretch ends when so much of the backlog was asked: the last calls have no next ones."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """How long is measured, and how long is waited before it."""

    seconds: float
    warm_up_seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What one even stretch showed."""

    per_second: float
    cpu_ms: float
    seconds: float


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--seconds", type=float, default=12.0, help="of each even stretch")
    parser.add_argument("--warm-up-seconds", type=float, default=3.0, help="before it")
    parser.add_argument(
        "--only", choices=("256", "512", "hang", "plain", "threads"), action="append", help="leave the others out"
    )


def run(arguments: argparse.Namespace) -> dict[str, object]:
    """Return classifications per second, as fractions of the limits, and how many times the plain design's."""
    wanted = arguments.only or ("256", "512", "hang", "plain", "threads")
    stretch = Stretch(seconds=arguments.seconds, warm_up_seconds=arguments.warm_up_seconds)
    found: dict[str, Run] = {}
    with services.services() as running:
        if "256" in wanted:
            found["256"] = _ours(running, stretch, in_flight=256)
        if "512" in wanted:
            found["512"] = _ours(running, stretch, in_flight=512)
        if "hang" in wanted:
            found["hang"] = _ours(running, stretch, in_flight=256, hang_share=HANG_SHARE)
        if "plain" in wanted:
            found["plain"] = _plain(running, stretch, ("--pool", "prefork", "--concurrency", "2"), most=8)
        if "threads" in wanted:
            found["threads"] = _plain(running, stretch, ("--pool", "threads", "--concurrency", "100"), most=340)
    return tabulated(found)


def limit(in_flight: int, *, hang_share: float = 0.0) -> float:
    """Calls per second when calls in flight do nothing but wait for the model."""
    return in_flight / ((1 - hang_share) * LATENCY_SECONDS + hang_share * HANG_SECONDS)


def tabulated(found: Mapping[str, Run]) -> dict[str, object]:
    """Return the figures of the runs there are: of each alone, and of ours beside the plain design's."""
    figures: dict[str, object] = {}
    best = found.get("512") or found.get("256")
    if best:
        figures |= {"per_second": round(best.per_second, 1), "cpu_ms": round(best.cpu_ms, 3)}
    for in_flight in (256, 512):
        if ours := found.get(str(in_flight)):
            figures |= {
                f"limit_fraction_{in_flight}": _share(ours, limit(in_flight)),
                f"per_second_{in_flight}": round(ours.per_second, 1),
            }
    if hung := found.get("hang"):
        figures["hang_1pct"] = _share(hung, limit(256, hang_share=HANG_SHARE))
        figures["hang_1pct_per_second"] = round(hung.per_second, 1)
    for name in ("plain", "threads"):
        if other := found.get(name):
            figures |= {f"{name}_per_second": round(other.per_second, 1), f"{name}_cpu_ms": round(other.cpu_ms, 3)}
            if best:
                figures[f"times_{name}"] = _times(best.per_second, other.per_second, digits=1)
                figures[f"cpu_vs_{name}"] = _times(best.cpu_ms, other.cpu_ms, digits=3)
    return figures


def _times(of: float, other: float, *, digits: int) -> float | None:
    """Nothing where the other was too short to be measured."""
    return round(of / other, digits) if other else None


def _share(run: Run, most: float) -> float:
    return round(run.per_second / most, 3)


def _ours(running: embedded.Running, stretch: Stretch, *, in_flight: int, hang_share: float = 0.0) -> Run:
    with ExitStack() as stack:
        place = stack.enter_context(services.place(running))
        backlog.with_classifier(place)
        # With hangs the calls in flight fill up with hung ones for as long as one hangs; it is even after that.
        warm_up = stretch.warm_up_seconds + (HANG_SECONDS if hang_share else 0)
        count = round(limit(in_flight, hang_share=hang_share) * (stretch.seconds + warm_up) / TAIL_SHARE)
        count += round(warm_up * limit(in_flight) / 4) if hang_share else 0
        keys = backlog.record(place, count, characters=CHARACTERS)
        server = stack.enter_context(
            programs.model_server(place.directory, latency_seconds=LATENCY_SECONDS, hang_share=hang_share)
        )
        settings = {"calls_in_flight": 2 * in_flight}  # half of it for one endpoint
        program = stack.enter_context(
            programs.worker(place.directory, backlog.environment(place, server.url, settings))
        )
        backlog.ring(place, keys)
        steady.wait_for_calls(server, in_flight, deadline_seconds=30)
        time.sleep(warm_up)
        window = steady.measure(
            place, program, seconds=stretch.seconds, until=lambda: server.total() > count * TAIL_SHARE
        )
        tagged = backlog.tagged_between(place, window.earliest, window.latest)
        if not hang_share:
            _require_all_tagged_once(place, server, count)
    return _report(f"ours, {in_flight} in flight{', 1 % hang' if hang_share else ''}", tagged, window)


def _require_all_tagged_once(place: Place, server: programs.ModelServer, count: int) -> None:
    found = backlog.wait_until_all_tagged(place, count)
    assert found.generations_tagged == server.total() == count, found
    assert not found.asked_more_than_once, found


def _plain(running: embedded.Running, stretch: Stretch, pool: tuple[str, ...], *, most: int) -> Run:
    with ExitStack() as stack:
        place = stack.enter_context(services.place(running))
        backlog.with_classifier(place)
        keys = backlog.record(
            place, round(most * (stretch.seconds + stretch.warm_up_seconds + 2)), characters=CHARACTERS
        )
        server = stack.enter_context(programs.model_server(place.directory, latency_seconds=LATENCY_SECONDS))
        variables = {
            "PLAIN_REDIS_URL": place.redis_url,
            "PLAIN_DATABASE_URL": place.database_url,
            "PLAIN_MODEL_URL": server.url,
        }
        _publish(place, keys)
        program = stack.enter_context(programs.plain_worker(place.directory, variables, pool=pool))
        steady.wait_for_calls(server, 10, deadline_seconds=60)
        time.sleep(stretch.warm_up_seconds)
        before = server.total()
        window = steady.measure(
            place, program, seconds=stretch.seconds, until=lambda: server.total() > len(keys) * TAIL_SHARE
        )
        called = server.total() - before
        return _report(f"plain, {' '.join(pool[1::2])}", called, window)


def _publish(place: Place, keys: list[Any]) -> None:
    """One message per generation, as whoever publishes from the recorder would."""
    with plain.app.connection_for_write(place.redis_url) as connection:
        for workspace, id_, created_at in keys:
            plain.classify.apply_async((workspace, id_, created_at.isoformat()), connection=connection)


def _report(name: str, count: int, window: steady.Window) -> Run:
    per_second, cpu_ms = count / window.seconds, window.cpu_seconds * 1000 / max(count, 1)
    print(f"{name}: {per_second:.1f}/s, {cpu_ms:.3f} ms CPU, {window.seconds:.1f} s", file=sys.stderr)
    return Run(per_second=per_second, cpu_ms=cpu_ms, seconds=window.seconds)
