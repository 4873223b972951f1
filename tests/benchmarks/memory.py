"""How much a worker process grows between its 20,000th and its 100,000th classification, in resident memory.

The model answers at once, and what is to be classified is recorded a portion at a time, so that neither the process
nor its machine holds a backlog. At each end the lowest of several readings counts: the process breathes with its calls.
"""

import argparse
import sys
import time
from contextlib import ExitStack

from tests.benchmarks.stage import backlog, programs, services
from tests.benchmarks.stage.programs import Program
from tests.benchmarks.stage.services import Place

TITLE = "Resident memory of a worker process"
LATENCY_SECONDS = 0.02
CHARACTERS = 3_000
READINGS = 10


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--classifications", type=int, default=100_000, help="when the last reading is taken")
    parser.add_argument("--from", type=int, default=20_000, dest="first", help="when the first reading is taken")
    parser.add_argument("--portion", type=int, default=2_000, help="so many are recorded at a time")


def run(arguments: argparse.Namespace) -> dict[str, object]:
    """Return the growth in megabytes (a million bytes), and the readings on the way."""
    with ExitStack() as stack:
        running = stack.enter_context(services.services())
        place = stack.enter_context(services.place(running))
        backlog.with_classifier(place)
        server = stack.enter_context(programs.model_server(place.directory, latency_seconds=LATENCY_SECONDS))
        worker = stack.enter_context(programs.worker(place.directory, backlog.environment(place, server.url, {})))
        readings: dict[int, float] = {}
        portion = arguments.portion
        for done in range(portion, arguments.classifications + 1, portion):
            _classify_portion(place, portion, done)
            if done % (5 * portion) == 0 or done in (arguments.first, arguments.classifications):
                readings[done] = _resident_mb(worker)
                print(f"{done:,} classifications: {readings[done]:.1f} MB", file=sys.stderr)
    last = max(readings)
    return {
        "growth_mb": round(readings[last] - readings[arguments.first], 2),
        "first_mb": round(readings[arguments.first], 1),
        "last_mb": round(readings[last], 1),
        "classifications": last,
    }


def _classify_portion(place: Place, portion: int, done: int) -> None:
    backlog.ring(place, backlog.record(place, portion, characters=CHARACTERS))
    backlog.wait_until_all_tagged(place, done)


def _resident_mb(worker: Program) -> float:
    readings = []
    for _ in range(READINGS):
        readings.append(worker.resident_bytes())
        time.sleep(0.2)
    return min(readings) / 1e6
