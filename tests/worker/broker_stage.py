"""What the broker tests run on: a real Celery worker in a process of its own, and a stock publisher."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from celery import Celery

from tests.waiting import wait_until

ROOT = Path(__file__).parents[2]
QUEUES = ("record", "other", "steer")


class Worker:
    """A real Celery worker (threads pool) and its whole log, at the most talkative level."""

    def __init__(self, url: str, log: Path, visibility_timeout: float, clock_ahead: float = 0) -> None:
        self.log_path = log
        command = [sys.executable, "-m", "celery", "-A", "tests.worker.broker_app:app", "worker", "--pool", "threads"]
        command += ["--concurrency", "4", "--loglevel", "DEBUG", "--without-gossip", "--without-mingle"]
        command += ["--without-heartbeat", "--queues", ",".join(QUEUES)]
        environment = {**os.environ, "BROKER_TEST_URL": url, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"}
        environment["BROKER_TEST_VISIBILITY_TIMEOUT"] = str(visibility_timeout)
        environment["BROKER_TEST_CLOCK_AHEAD"] = str(clock_ahead)
        with log.open("wb") as out:
            self.running = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=out, stderr=out)

    @property
    def log(self) -> str:
        return self.log_path.read_text(errors="replace")

    @property
    def is_alive(self) -> bool:
        return self.running.poll() is None

    def kill(self) -> None:
        self.running.send_signal(signal.SIGKILL)
        self.running.wait(30)

    def stop(self) -> int:
        """Ask it to end; return its exit code."""
        self.running.terminate()
        return self.running.wait(30)


@contextmanager
def started(url: str, log: Path, visibility_timeout: float = 60, clock_ahead: float = 0) -> Iterator[Worker]:
    """A worker that may not be ready yet; it is gone afterwards."""
    running = Worker(url, log, visibility_timeout, clock_ahead)
    try:
        yield running
    finally:
        if running.is_alive:
            running.kill()


@contextmanager
def worker(url: str, log: Path, visibility_timeout: float = 60, clock_ahead: float = 0) -> Iterator[Worker]:
    """A worker that is ready; it is gone afterwards."""
    with started(url, log, visibility_timeout, clock_ahead) as running:
        wait_until(lambda: " ready." in running.log or not running.is_alive, what="a ready worker")
        assert running.is_alive, running.log
        yield running


@contextmanager
def publisher(url: str) -> Iterator[Callable[..., object]]:
    """Give `send_task` of a stock Celery app with kombu's own transport: what publishes in other people's processes."""
    # A connection of its own: the pools are shared by all apps of a process with the same address.
    with Celery("publisher", broker=url, set_as_current=False) as app, app.connection_for_write() as connection:
        yield partial(app.send_task, connection=connection)
