"""How many generations per second the HTTP server records before it answers: one process, 4 KB transcripts.

32 clients send one generation a request, then 8 clients send batches of 100; half of the generations bring an id of
their own. The same requests go to the plain design, a transaction for each request, in turns within the same run. Every
one is sampled and its bell rung, for an endpoint that nobody serves.
"""

import argparse
import json
import statistics
from collections.abc import Sequence
from typing import Any

from sqlalchemy import text

from tests.benchmarks.stage import backlog, posting, programs, services, texts
from tests.benchmarks.stage.services import Place
from worker.store import keys

TITLE = "Over HTTP, recorded before the answer, 4 KB transcripts"
CHARACTERS = 4_000
CLIENTS = 32
BATCH = 100
BATCH_CLIENTS = 8
DESIGNS = {"shared": "console", "plain": "tests.benchmarks.stage.plain_server"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--requests", type=int, default=4_000, help="of one generation each, per round")
    parser.add_argument("--batches", type=int, default=80, help="of 100 generations each, per round")
    parser.add_argument("--rounds", type=int, default=3, help="how often the two designs take turns")


def run(arguments: argparse.Namespace) -> dict[str, object]:
    """Return medians over the rounds, per second, for both designs."""
    found: dict[str, list[float]] = {}
    with services.services() as running:
        for number in range(arguments.rounds):
            for design, module in DESIGNS.items():
                with services.place(running) as place:
                    for name, figure in _measure(place, module, arguments, number=number).items():
                        found.setdefault(f"{design}_{name}", []).append(figure)
    medians = {name: round(statistics.median(figures), 3) for name, figures in found.items()}
    return {
        **medians,
        "requests_times_plain": round(medians["shared_requests_per_second"] / medians["plain_requests_per_second"], 2),
        "generations_times_plain": round(
            medians["shared_generations_per_second"] / medians["plain_generations_per_second"], 2
        ),
    }


def _measure(place: Place, module: str, arguments: argparse.Namespace, *, number: int) -> dict[str, float]:
    backlog.with_classifier(place)
    with place.engine.begin() as connection:
        token = keys.create_for_application(connection, backlog.WORKSPACE, "bench", application="bench").token
    environment = backlog.environment(place, None, {"http_generations_per_minute": 0})
    with programs.server(place.directory, environment, module=module) as (url, server):
        posting.post(url, token, _bodies("warm", 300, 1), clients=CLIENTS)
        singles = _bodies(f"s{number}-", arguments.requests, 1)
        cpu = server.cpu_seconds()
        seconds, answers = posting.post(url, token, singles, clients=CLIENTS)
        cpu = server.cpu_seconds() - cpu
        assert len(answers) == arguments.requests
        batches = _bodies(f"b{number}-", arguments.batches, BATCH)
        batched, more = posting.post(url, token, batches, clients=BATCH_CLIENTS)
        assert all(json.loads(one)["recorded"] == BATCH for one in more)
    with place.engine.connect() as connection:
        rows = connection.execute(text("select count(*) from generations")).scalar_one()
    assert rows == 300 + arguments.requests + BATCH * arguments.batches
    return {
        "requests_per_second": arguments.requests / seconds,
        "cpu_ms_per_request": 1000 * cpu / arguments.requests,
        "generations_per_second": BATCH * arguments.batches / batched,
    }


def _bodies(prefix: str, count: int, size: int) -> Sequence[bytes]:
    said = [
        [{"role": kind, "content": text_} for kind, text_, *_ in texts.turns(CHARACTERS, seed=seed)]
        for seed in range(backlog.DIFFERENT)
    ]
    made = [_generation(prefix, number, said) for number in range(count * size)]
    return [
        json.dumps(made[start : start + size] if size > 1 else made[start]).encode()
        for start in range(0, count * size, size)
    ]


def _generation(prefix: str, number: int, said: list[list[dict[str, Any]]]) -> dict[str, Any]:
    own = {"id": f"{prefix}{number}"} if number % 2 else {}
    return {
        **own,
        "messages": said[number % len(said)],
        "model": "gpt-4o",
        "provider": "openai",
        "usage": {"prompt_tokens": 900, "completion_tokens": 120},
        "user": f"user-{number % 50}",
        "session_id": f"session-{number // 4}",
    }
