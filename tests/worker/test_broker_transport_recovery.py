"""A real worker through what happens to Redis, to itself and to its gates."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
from redis.backoff import ConstantBackoff
from redis.retry import Retry

from tests.waiting import wait_until
from tests.worker.broken_messages import good
from tests.worker.broker_stage import publisher, started, worker
from worker.broker_transport.holding import HELD, HELD_INDEX
from worker.embedded.redis_server import RedisServer


@pytest.fixture
def client(own_redis: RedisServer) -> Iterator[redis.Redis]:
    with redis.Redis.from_url(own_redis.url, retry=Retry(ConstantBackoff(0.1), 50)) as connected:
        yield connected


def put(client: redis.Redis, task: str, *arguments: str, queue: str = "record") -> None:
    client.lpush(queue, json.dumps(good(task, arguments, queue)))


def keeps(client: redis.Redis, *words: str) -> None:
    wait_until(
        lambda: sorted(client.lrange("kept", 0, -1)) == sorted(word.encode() for word in words),
        deadline_seconds=30,
        what=f"the words {words}",
    )


def test_a_closed_queue_waits_while_others_go_on_and_goes_on_when_opened(
    own_redis: RedisServer, client: redis.Redis, tmp_path: Path
) -> None:
    with worker(own_redis.url, tmp_path / "log"):
        put(client, "test.close", "record", queue="steer")
        wait_until(lambda: client.llen("closed") == 1, what="a closed gate")
        # One fetch may have been under way; after this round trip through `other` there is none.
        put(client, "test.keep", "through", queue="other")
        keeps(client, "through")
        for number in range(5):
            put(client, "test.keep", f"late {number}", queue="record")
            put(client, "test.keep", f"early {number}", queue="other")
        keeps(client, "through", *[f"early {number}" for number in range(5)])
        assert client.llen("record") == 5
        put(client, "test.open", "record", queue="steer")
        keeps(client, "through", *[f"{when} {number}" for number in range(5) for when in ("early", "late")])


def test_with_every_queue_closed_nothing_is_fetched_and_opening_from_a_thread_resumes(
    own_redis: RedisServer, client: redis.Redis, tmp_path: Path
) -> None:
    with worker(own_redis.url, tmp_path / "log") as running:
        put(client, "test.pause_all", queue="steer")
        wait_until(lambda: client.llen("begun") == 1, what="a worker that has closed all gates")
        # Only a fetch that was under way may still deliver; then nobody waits on any queue.
        wait_until(lambda: not blocked_clients(client, "blmove"), what="no fetch under way")
        put(client, "test.keep", "record")
        put(client, "test.keep", "other", queue="other")
        assert client.llen("record") == client.llen("other") == 1
        client.rpush("go", "on")
        keeps(client, "record", "other")
        assert running.stop() == 0


def blocked_clients(client: redis.Redis, command: str) -> list[object]:
    return [peer for peer in client.client_list() if peer["cmd"] == command and "b" in peer["flags"]]


def test_an_idle_worker_goes_on_after_redis_restarts(
    own_redis: RedisServer, client: redis.Redis, tmp_path: Path
) -> None:
    with worker(own_redis.url, tmp_path / "log") as running:
        put(client, "test.keep", "before")
        keeps(client, "before")
        own_redis.stop()
        own_redis.start()
        put(client, "test.keep", "after")
        keeps(client, "before", "after")
        assert running.is_alive
        assert running.stop() == 0


def test_a_busy_worker_goes_on_after_redis_is_killed_and_started(
    own_redis: RedisServer, client: redis.Redis, tmp_path: Path
) -> None:
    with worker(own_redis.url, tmp_path / "log", visibility_timeout=2) as running:
        for number in range(300):
            put(client, "test.keep", str(number))
        wait_until(lambda: client.llen("kept") > 20, what="a worker in the middle of it")
        own_redis.kill()
        own_redis.start()
        wanted = {str(number).encode() for number in range(300)}
        wait_until(lambda: set(client.lrange("kept", 0, -1)) == wanted, deadline_seconds=60, what="all the words")
        assert running.is_alive


def test_messages_that_redis_has_no_memory_to_hold_are_kept_until_it_has(
    own_redis: RedisServer, client: redis.Redis, tmp_path: Path
) -> None:
    for number in range(20):
        put(client, "test.keep", str(number))
    client.config_set("maxmemory", 1)
    with started(own_redis.url, tmp_path / "log") as running:
        wait_until(lambda: "command not allowed when used memory" in running.log, what="a fetch that was refused")
        client.config_set("maxmemory", 0)
        keeps(client, *[str(number) for number in range(20)])
        assert running.is_alive


def test_the_message_of_a_killed_worker_goes_to_another(
    own_redis: RedisServer, client: redis.Redis, tmp_path: Path
) -> None:
    with worker(own_redis.url, tmp_path / "log", visibility_timeout=2) as doomed:
        put(client, "test.wait_for", "word")
        wait_until(lambda: client.llen("begun") == 1, what="a task that began")
        doomed.kill()
    client.rpush("go", "on", "on")  # the dead may take the first
    with worker(own_redis.url, tmp_path / "log2", visibility_timeout=2):
        keeps(client, "word")
        assert client.llen("begun") == 2


def test_killing_busy_workers_loses_no_message(own_redis: RedisServer, client: redis.Redis, tmp_path: Path) -> None:
    # Large enough that each is on its way for a while.
    words: set[bytes] = set()
    for kill in range(4):
        for _ in range(300 - client.llen("record")):
            word = f"{len(words)} {'x' * 50_000}"
            words.add(word.encode())
            put(client, "test.keep", word)
        begun = client.llen("kept")
        with worker(own_redis.url, tmp_path / f"log{kill}", visibility_timeout=1) as doomed:
            wait_until(lambda begun=begun: client.llen("kept") > begun + 15, what="a busy worker")  # type: ignore[misc]
            doomed.kill()
        assert client.llen("record") > 0
    with worker(own_redis.url, tmp_path / "last", visibility_timeout=1):
        wait_until(lambda: set(client.lrange("kept", 0, -1)) == words, deadline_seconds=60, what="all the words")


def test_a_message_held_for_longer_than_the_visibility_timeout_is_delivered_once(
    own_redis: RedisServer, client: redis.Redis, tmp_path: Path
) -> None:
    with (
        worker(own_redis.url, tmp_path / "log", visibility_timeout=6),
        worker(own_redis.url, tmp_path / "log2", visibility_timeout=6),
    ):
        put(client, "test.wait_for", "word")
        wait_until(lambda: client.llen("begun") == 1, what="a task that began")
        (key,) = client.scan_iter(f"{HELD}:*")
        began = client.zscore(HELD_INDEX, key) or 0
        # A timeout later by the stamps themselves: without the renewal it would have been lost by then.
        wait_until(lambda: (client.zscore(HELD_INDEX, key) or 0) > began + 6, what="a stamp six seconds on")
        client.rpush("go", "on")
        keeps(client, "word")
        assert client.llen("begun") == 1


def test_a_worker_whose_clock_is_ahead_takes_nothing_from_the_living(
    own_redis: RedisServer, client: redis.Redis, tmp_path: Path
) -> None:
    with worker(own_redis.url, tmp_path / "log", visibility_timeout=6):
        put(client, "test.wait_for", "word")
        wait_until(lambda: client.llen("begun") == 1, what="a task that began")
        theirs = set(client.zrange(HELD_INDEX, 0, -1))
        with worker(own_redis.url, tmp_path / "log2", visibility_timeout=6, clock_ahead=60):
            (own, *_) = set(client.zrange(HELD_INDEX, 0, -1)) - theirs
            began = client.zscore(HELD_INDEX, own) or 0
            # It looks for what the dead left every half second.
            wait_until(lambda: (client.zscore(HELD_INDEX, own) or 0) > began + 2, what="a stamp two seconds on")
            assert client.llen("begun") == 1
            client.rpush("go", "on", "on")
            keeps(client, "word")


def test_a_message_not_begun_goes_back_to_its_queue_when_the_worker_ends(
    own_redis: RedisServer, client: redis.Redis, tmp_path: Path
) -> None:
    with worker(own_redis.url, tmp_path / "log") as running:
        put(client, "test.pause_all", queue="steer")
        wait_until(lambda: client.llen("begun") == 1, what="a worker that has closed all gates")
        put(client, "test.keep", "later")
        client.rpush("go", "on")
        keeps(client, "later")
        assert running.stop() == 0
    assert not list(client.scan_iter(f"{HELD}*"))


def test_messages_flow_and_broken_ones_are_set_aside_on_the_pure_python_redis(tmp_path: Path) -> None:
    server = RedisServer(directory=tmp_path / "redis", wanted="fake")
    server.start()
    try:
        with (
            redis.Redis.from_url(server.url) as client,
            publisher(server.url) as send,
            worker(server.url, tmp_path / "log", visibility_timeout=2) as running,
        ):
            client.lpush("record", b"{broken")
            send("test.keep", ["word"], queue="record")
            keeps(client, "word")
            assert client.llen("aftertag.rejected") == 1
            put(client, "test.wait_for", "again")
            wait_until(lambda: client.llen("begun") == 1, what="a task that began")
            running.kill()
            # The pure-Python server gives the first to the dead, whom it does not notice.
            client.rpush("go", "on", "on")
            with worker(server.url, tmp_path / "log2", visibility_timeout=2):
                keeps(client, "word", "again")
    finally:
        server.stop()
