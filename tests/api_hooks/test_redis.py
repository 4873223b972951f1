"""The hook against a real Redis: what arrives, what the worker makes of it, and what happens while Redis is away."""

import base64
import json
import logging
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from inspect import signature
from pathlib import Path
from typing import Any

import pytest
import redis
from celery import signals

import api_hooks
from api_hooks import wire
from tests.waiting import wait_until
from worker.broker_transport import envelope
from worker.embedded.redis_server import RedisServer

SENTINEL = "sentinel-text-91c"
PATIENT: dict[str, Any] = {"socket_timeout_seconds": 30}
"""After the 1 s of the hook's own, a batch whose answer was late is sent once more."""

pytestmark = pytest.mark.usefixtures("closes_the_hook")


def record(batch: dict[str, Any]) -> None:
    """Has the signature of the worker's task."""


KNOWN_TASKS = {wire.RECORD_TASK: signature(record)}


def messages(url: str) -> list[bytes]:
    """What waits in the queue, oldest first."""
    with redis.Redis.from_url(url) as client:
        waiting: list[bytes] = client.lrange(wire.RECORD_QUEUE, 0, -1)
    return waiting[::-1]


def batches(url: str) -> list[dict[str, Any]]:
    return [json.loads(base64.b64decode(json.loads(raw)["body"]))[0][0] for raw in messages(url)]


def texts(url: str) -> list[str]:
    """As the worker counts: a batch that Redis took without saying so in time comes twice, with the same ids."""
    return list({g["id"]: g["turns"][0][1] for batch in batches(url) for g in batch["generations"]}.values())


@contextmanager
def hung(server: RedisServer) -> Iterator[None]:
    assert server.pid is not None
    os.kill(server.pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(server.pid, signal.SIGCONT)


def test_a_batch_arrives_as_a_celery_message_that_the_worker_accepts(redis_db_url: str) -> None:
    api_hooks.configure(url=redis_db_url, workspace="acme", **PATIENT)
    assert api_hooks.enqueue([{"role": "user", "content": "grüezi 😀"}], "hi", id="own-1", model="m")
    assert api_hooks.enqueue("second")
    assert api_hooks.flush(30)
    [raw] = messages(redis_db_url)
    outcome = envelope.read(raw, known_tasks=KNOWN_TASKS, max_bytes=4_000_000)
    assert isinstance(outcome, envelope.Accepted)
    args, kwargs, _ = outcome.body
    assert kwargs == {}
    [batch] = args
    assert batch["v"] == wire.VERSION
    assert [generation["id_given"] for generation in batch["generations"]] == [True, False]
    assert batch["generations"][0]["id"] == "own-1"
    assert batch["generations"][0]["turns"] == [["user", "grüezi 😀", None, None], ["assistant", "hi", None, None]]


def test_the_hook_writes_to_no_other_key(redis_db_url: str) -> None:
    api_hooks.configure(url=redis_db_url, workspace="acme", **PATIENT)
    api_hooks.enqueue("hello")
    assert api_hooks.flush(30)
    with redis.Redis.from_url(redis_db_url) as client:
        assert client.keys("*") == [wire.RECORD_QUEUE.encode()]


def test_the_largest_generation_is_not_too_large_for_the_worker(redis_db_url: str) -> None:
    api_hooks.configure(url=redis_db_url, workspace="acme", **PATIENT)
    api_hooks.enqueue(
        ["\x01" * 5_000] * 1_000,
        tools=[f"{number}" + "\x01" * 512 for number in range(3_000)],
        metadata={f"{number}" + "\U0001f600" * 600: "\x01" * 600 for number in range(100)},
    )
    assert api_hooks.flush(30)
    [raw] = messages(redis_db_url)
    outcome = envelope.read(raw, known_tasks=KNOWN_TASKS, max_bytes=4_000_000)
    assert isinstance(outcome, envelope.Accepted)


def test_invariant_8_no_text_stands_in_the_message_outside_its_body_nor_in_a_log_nor_meets_a_signal(
    redis_db_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    seen: list[object] = []

    def receive(**given: object) -> None:
        seen.append(given)

    signals.before_task_publish.connect(receive)
    signals.after_task_publish.connect(receive)
    try:
        with caplog.at_level(logging.DEBUG):
            api_hooks.configure(url=redis_db_url, workspace="acme", **PATIENT)
            api_hooks.enqueue(SENTINEL, user=SENTINEL)
            assert api_hooks.flush(30)
    finally:
        signals.before_task_publish.disconnect(receive)
        signals.after_task_publish.disconnect(receive)
    [raw] = messages(redis_db_url)
    without_body = {**json.loads(raw), "body": ""}
    assert SENTINEL not in json.dumps(without_body)
    assert SENTINEL not in caplog.text
    assert seen == []


def test_the_applications_own_celery_broker_is_left_alone(redis_db_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CELERY_BROKER_URL", "redis://127.0.0.1:1/0")
    monkeypatch.setenv("CELERY_BROKER_WRITE_URL", "redis://127.0.0.1:1/0")
    api_hooks.configure(url=redis_db_url, workspace="acme", **PATIENT)
    api_hooks.enqueue("hello")
    assert api_hooks.flush(30)
    assert texts(redis_db_url) == ["hello"]


def test_past_its_cap_in_redis_the_hook_drops_and_counts_until_there_is_room(redis_db_url: str) -> None:
    api_hooks.configure(url=redis_db_url, workspace="acme", **PATIENT, max_broker_bytes=100_000)
    for number in range(8):
        api_hooks.enqueue(["x" * 5_000] * 4, id=str(number))
        assert api_hooks.flush(30)
    waiting = sum(map(len, messages(redis_db_url)))
    dropped = api_hooks.stats().dropped["broker_full"]
    assert 50_000 < waiting <= 110_000
    assert api_hooks.stats().sent == 8 - dropped == len(messages(redis_db_url))
    with redis.Redis.from_url(redis_db_url) as client:
        client.delete(wire.RECORD_QUEUE)

    def arrives() -> bool:
        api_hooks.enqueue("there is room again")
        return api_hooks.flush(30) and bool(messages(redis_db_url))

    wait_until(arrives)
    assert batches(redis_db_url)[0]["dropped"]["broker_full"] >= dropped


def test_what_other_senders_left_waiting_counts_too(redis_db_url: str) -> None:
    with redis.Redis.from_url(redis_db_url) as client:
        client.lpush(wire.RECORD_QUEUE, *["x"] * 1_000)
    api_hooks.configure(url=redis_db_url, workspace="acme", **PATIENT, max_broker_bytes=200_000)
    api_hooks.enqueue("hello")
    assert api_hooks.flush(30)
    assert api_hooks.stats().dropped == {"broker_full": 1}


def test_invariant_1_while_redis_refuses_the_buffer_waits_and_arrives_after_it(own_redis: RedisServer) -> None:
    own_redis.stop()
    api_hooks.configure(url=own_redis.url, workspace="acme", **PATIENT)
    assert all(api_hooks.enqueue(f"message {number}") for number in range(100))
    wait_until(lambda: api_hooks.stats().is_failing)
    assert api_hooks.stats().sent == 0
    own_redis.start()
    wait_until(lambda: api_hooks.stats().sent == 100)
    assert texts(own_redis.url) == [f"message {number}" for number in range(100)]


def test_invariant_1_while_redis_hangs_the_buffer_waits_and_arrives_after_it(own_redis: RedisServer) -> None:
    api_hooks.configure(url=own_redis.url, workspace="acme", socket_timeout_seconds=0.2)
    api_hooks.enqueue("before")
    assert api_hooks.flush(30)
    with hung(own_redis):
        assert all(api_hooks.enqueue(f"message {number}") for number in range(100))
        wait_until(lambda: api_hooks.stats().is_failing)
        assert not api_hooks.flush(0.3)
    wait_until(lambda: api_hooks.stats().sent == 101)
    # A batch that Redis took without saying so comes twice: its ids are the same, and it is recorded once.
    assert set(texts(own_redis.url)) == {"before", *(f"message {number}" for number in range(100))}
    ids = {g["turns"][0][1]: g["id"] for batch in batches(own_redis.url) for g in batch["generations"]}
    assert all(ids[g["turns"][0][1]] == g["id"] for b in batches(own_redis.url) for g in b["generations"])


def test_invariant_1_a_redis_that_is_killed_and_comes_back_gets_what_came_meanwhile(own_redis: RedisServer) -> None:
    api_hooks.configure(url=own_redis.url, workspace="acme", **PATIENT)
    api_hooks.enqueue("before")
    assert api_hooks.flush(30)
    own_redis.kill()
    assert all(api_hooks.enqueue(f"message {number}") for number in range(100))
    wait_until(lambda: api_hooks.stats().is_failing)
    own_redis.start()
    wait_until(lambda: api_hooks.stats().sent == 101)
    assert {f"message {number}" for number in range(100)} <= set(texts(own_redis.url))


def test_a_redis_out_of_memory_is_waited_for(own_redis: RedisServer) -> None:
    with redis.Redis.from_url(own_redis.url) as client:
        client.config_set("maxmemory", 1)
        api_hooks.configure(url=own_redis.url, workspace="acme", **PATIENT)
        api_hooks.enqueue("hello")
        wait_until(lambda: api_hooks.stats().is_failing)
        client.config_set("maxmemory", 0)
        wait_until(lambda: api_hooks.stats().sent == 1)


def test_configuring_anew_sends_what_the_settings_before_have_in_their_buffer(redis_db_url: str) -> None:
    api_hooks.configure(url=redis_db_url, workspace="before", flush_seconds=30, exit_seconds=30)
    api_hooks.enqueue("one")
    api_hooks.configure(url=redis_db_url, workspace="after", flush_seconds=30)
    api_hooks.enqueue("two")
    assert api_hooks.flush(30)
    sent = [(g["workspace"], g["turns"][0][1]) for batch in batches(redis_db_url) for g in batch["generations"]]
    assert sent == [("before", "one"), ("after", "two")]


def test_the_pure_python_redis_takes_batches_and_has_a_cap_too(tmp_path: Path) -> None:
    server = RedisServer(directory=tmp_path / "redis", wanted="fake")
    server.start()
    try:
        api_hooks.configure(url=server.url, workspace="acme", **PATIENT, max_broker_bytes=1_000_000)
        assert api_hooks.enqueue("hello")
        assert api_hooks.flush(30)
        assert texts(server.url) == ["hello"]
        api_hooks.configure(url=server.url, workspace="acme", **PATIENT, max_broker_bytes=100)
        api_hooks.enqueue("no room")
        assert api_hooks.flush(30)
        assert api_hooks.stats().dropped == {"broker_full": 1}
        api_hooks.close(0.0)
    finally:
        server.stop()
