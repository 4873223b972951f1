"""What handing over a generation costs the caller's thread: 20 turns of 1 KB, paced, while the flusher sends.

The pace is kept by sleeping, as an application waits for its next request. `send_task` is stock Celery's with the same
messages on the same Redis, in the same run. The broken ways out are a closed port, a Redis stopped by SIGSTOP, one that is
killed halfway; and in the place of `aftertag serve` a closed port, and a server that takes the connection and says nothing.
"""

import argparse
import gc
import logging
import os
import signal
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any

from celery import Celery

import api_hooks
from tests.hung import hung
from tests.waiting import wait_until
from worker.embedded.redis_server import RedisServer

TITLE = "enqueue on the caller's thread, 20 turns of 1 KB"
TURNS = 20
WARM_UP = 300
SEND_TASKS = 300
NOT_LIMITED = 10**12


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--seconds", type=float, default=10.0, help="of the main measurement; a third for the others")
    parser.add_argument("--per-second", type=int, default=1_000, help="the pace")


def run(arguments: argparse.Namespace) -> dict[str, object]:
    """Return microseconds: the median and the 99th and 99.9th percentile of a call, and what was dropped."""
    logging.getLogger("aftertag").setLevel(logging.ERROR)  # it warns of the brokers that are broken on purpose
    count = int(arguments.seconds * arguments.per_second)
    with tempfile.TemporaryDirectory() as directory, _redis(Path(directory)) as server:
        with _hook(server.url):
            times = _paced(count, arguments.per_second)
            # One second per 5,000 generations is far more than sending them takes.
            assert api_hooks.flush(10 + count / 5_000), "what was enqueued did not arrive"
            stats = api_hooks.stats()
        send_task_us = _send_task_us(server.url)
        figures: dict[str, object] = {
            **_percentiles(times),
            "dropped": sum(stats.dropped.values()),
            "sent": stats.sent,
            "send_task_p50_us": send_task_us,
            "times_below_send_task": round(send_task_us / median(times), 1),
        }
        for name, broken in BROKEN.items():
            with broken(server) as url, _hook(url, is_up=name == "gone"):
                if name == "gone":
                    server.kill()
                figures |= _percentiles(_paced(count // 3, arguments.per_second), prefix=f"{name}_")
                wait_until(lambda: api_hooks.stats().is_failing, what=f"sending that fails ({name})")
    return figures


def _messages(number: int) -> list[dict[str, Any]]:
    text = f"{number:06d} " + "The quick brown fox jumps over the lazy dog. " * 23
    return [{"role": "user" if turn % 2 else "assistant", "content": f"{turn} {text}"[:1_000]} for turn in range(TURNS)]


def _paced(count: int, per_second: int) -> list[float]:
    """Enqueue `count` generations at an even pace; return the microseconds that each call took."""
    times: list[float] = []
    gc.collect()
    start = time.perf_counter()
    for number in range(count):
        messages = _messages(number)
        wait = start + number / per_second - time.perf_counter()
        if wait > 0:
            time.sleep(wait)
        before = time.perf_counter()
        api_hooks.enqueue(messages, model="gpt-4o-mini", user="u-1", session_id="s-1")
        times.append((time.perf_counter() - before) * 1e6)
    return times


def _percentiles(times: list[float], prefix: str = "") -> dict[str, float]:
    ordered = sorted(times)
    shares = {"p50_us": 0.5, "p99_us": 0.99, "p999_us": 0.999}
    return {prefix + name: round(ordered[int(len(ordered) * share)], 1) for name, share in shares.items()}


@contextmanager
def _hook(url: str, *, is_up: bool = True) -> Iterator[None]:
    """The hook, sending to `url`, with its sender imported and connected where there is somebody to connect to."""
    api_hooks.configure(
        url=url, workspace="bench", max_broker_bytes=NOT_LIMITED, exit_seconds=0.1, socket_timeout_seconds=1.0
    )
    for number in range(WARM_UP):
        api_hooks.enqueue(_messages(number))
    api_hooks.flush(5.0 if is_up else 2.0)
    try:
        yield
    finally:
        api_hooks.close(0.0)


def _send_task_us(url: str) -> float:
    app = Celery("bench", broker=url, set_as_current=False)
    times = []
    for number in range(SEND_TASKS):
        messages = _messages(number)
        before = time.perf_counter()
        app.send_task("bench.task", args=[messages], queue="bench", ignore_result=True)
        times.append((time.perf_counter() - before) * 1e6)
    app.close()
    return round(median(times), 1)


@contextmanager
def _redis(directory: Path) -> Iterator[RedisServer]:
    server = RedisServer(directory=directory / "redis", wanted="redis")
    server.start()
    try:
        yield server
    finally:
        server.stop()


@contextmanager
def _refused(server: RedisServer) -> Iterator[str]:
    yield "redis://127.0.0.1:1/0"


@contextmanager
def _hung(server: RedisServer) -> Iterator[str]:
    assert server.pid is not None
    os.kill(server.pid, signal.SIGSTOP)
    try:
        yield server.url
    finally:
        os.kill(server.pid, signal.SIGCONT)


@contextmanager
def _gone(server: RedisServer) -> Iterator[str]:
    yield server.url


@contextmanager
def _server_refused(_: RedisServer) -> Iterator[str]:
    yield "http://127.0.0.1:1"


@contextmanager
def _server_hung(_: RedisServer) -> Iterator[str]:
    with hung() as address:
        yield f"http://{address}"


BROKEN = {
    "refused": _refused,
    "hung": _hung,
    "gone": _gone,
    "server_refused": _server_refused,
    "server_hung": _server_hung,
}
