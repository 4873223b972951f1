"""A small Celery app for the broker tests: its tasks leave traces in Redis and turn gates. Started as a real worker."""

import os
import time

import redis
from celery import Celery
from kombu import Exchange, Queue
from redis.backoff import ConstantBackoff
from redis.retry import Retry

_time, _ahead = time.time, float(os.environ.get("BROKER_TEST_CLOCK_AHEAD", "0"))
time.time = lambda: _time() + _ahead  # a host with a wrong clock; before ours is imported

from worker.broker_transport import installing  # noqa: E402
from worker.gates import Gates  # noqa: E402

REDIS_URL = os.environ["BROKER_TEST_URL"]
GATES = Gates()

app = Celery("broker_test")
installing.install(
    app,
    redis_url=REDIS_URL,
    gates=GATES,
    visibility_timeout=float(os.environ.get("BROKER_TEST_VISIBILITY_TIMEOUT", "60")),
    unacked_restore_interval=0.5,
    max_message_bytes=200_000,
)
app.conf.task_queues = [Queue(name, Exchange(""), routing_key=name) for name in ("record", "other", "steer")]


def connected() -> redis.Redis:
    """A client that sits out a restart of Redis: these tests are about the worker's own connection."""
    return redis.Redis.from_url(REDIS_URL, retry=Retry(ConstantBackoff(0.1), 100))


@app.task(name="test.keep")
def keep(word: str) -> None:
    with connected() as client:
        client.rpush("kept", word)


@app.task(name="test.wait_for")
def wait_for(word: str) -> None:
    """Say that it began, and stay until the test lets it go."""
    with connected() as client:
        client.rpush("begun", word)
        client.blpop(["go"], timeout=60)
        client.rpush("kept", word)


@app.task(name="test.close")
def close(queue: str) -> None:
    GATES.close(queue, because="test")
    with connected() as client:
        client.rpush("closed", queue)


@app.task(name="test.pause_all")
def pause_all() -> None:
    """Close every queue, this one too, and open them when the test says so, from this thread."""
    GATES.close_all(because="test")
    with connected() as client:
        client.rpush("begun", "paused")
        client.blpop(["go"], timeout=60)
    GATES.open_all(because="test")


@app.task(name="test.open")
def open_(queue: str) -> None:
    GATES.open(queue, because="test")
