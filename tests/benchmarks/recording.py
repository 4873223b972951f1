"""How many generations per second get from the hook into committed rows: one worker process, 4 KB transcripts.

The clock runs from the first `enqueue` to the last commit, so the hook's own thread, Redis and PostgreSQL are all in
it. Half of the generations bring an id of their own, which has to be locked and looked up. Every one is sampled, and
its bell rung, for an endpoint that another worker would serve: nothing is classified meanwhile.
"""

import argparse
import time
from typing import Any

from sqlalchemy import text

import api_hooks
from tests.benchmarks.stage import backlog, programs, services, texts
from tests.benchmarks.stage.services import Place
from tests.waiting import wait_until

TITLE = "From the hook to committed rows, 4 KB transcripts, half with given ids"
CHARACTERS = 4_000
WARM_UP = 1_000
NOT_LIMITED = 10**12


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--generations", type=int, default=30_000, help="how many go in")


def run(arguments: argparse.Namespace) -> dict[str, object]:
    """Return generations per second, and the worker's milliseconds of CPU for each."""
    count = arguments.generations
    with services.services() as running, services.place(running) as place:
        backlog.with_classifier(place)
        with programs.worker(place.directory, backlog.environment(place, None, {})) as worker:
            api_hooks.configure(
                url=place.redis_url,
                workspace=backlog.WORKSPACE,
                buffer_generations=count + WARM_UP,
                buffer_bytes=NOT_LIMITED,
                max_broker_bytes=NOT_LIMITED,
            )
            _hand_over(_conversations(WARM_UP), prefix="warm-up")
            _wait_for_rows(place, WARM_UP)
            conversations = _conversations(count)
            cpu, start = worker.cpu_seconds(), time.perf_counter()
            _hand_over(conversations, prefix="own")
            assert api_hooks.flush(60), "the hook could not send everything"
            flushed = time.perf_counter() - start
            _wait_for_rows(place, WARM_UP + count)
            seconds, cpu = time.perf_counter() - start, worker.cpu_seconds() - cpu
            assert not api_hooks.stats().dropped, api_hooks.stats()
            api_hooks.close(0.0)
        transcripts = _count(place, "transcripts")
        assert transcripts == WARM_UP + count, f"{transcripts} transcripts"
    return {
        "per_second": round(count / seconds, 1),
        "hook_per_second": round(count / flushed, 1),
        "cpu_ms": round(cpu * 1000 / count, 3),
        "generations": count,
    }


def _conversations(count: int) -> list[list[dict[str, Any]]]:
    different = [
        [{"role": kind, "content": said} for kind, said, *_ in texts.turns(CHARACTERS, seed=seed)]
        for seed in range(backlog.DIFFERENT)
    ]
    return [different[number % len(different)] for number in range(count)]


def _hand_over(conversations: list[list[dict[str, Any]]], *, prefix: str) -> None:
    for number, messages in enumerate(conversations):
        accepted = api_hooks.enqueue(
            messages,
            model="gpt-4o",
            provider="openai",
            id=f"{prefix}-{number}" if number % 2 else None,
            usage={"prompt_tokens": 900, "completion_tokens": 120},
            user=f"user-{number % 50}",
            session_id=f"session-{number // 4}",
            app="bench",
        )
        assert accepted, api_hooks.stats()


def _wait_for_rows(place: Place, count: int) -> None:
    wait_until(lambda: _count(place, "generations") >= count, deadline_seconds=120, what=f"row {count}")


def _count(place: Place, table: str) -> int:
    with place.engine.connect() as connection:
        return int(connection.execute(text(f"select count(*) from {table}")).scalar_one())  # noqa: S608 - our own name
