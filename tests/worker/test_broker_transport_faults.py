"""A real worker is given every broken message: it sets each aside, keeps its process, logs no text, runs the next."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from tests.waiting import wait_until
from tests.worker.broken_messages import SENTINEL, broken, good
from tests.worker.broker_stage import publisher, worker
from worker.broker_transport import rejected
from worker.broker_transport.holding import HELD, HELD_INDEX
from worker.broker_transport.rejected import Rejected
from worker.embedded.redis_server import RedisServer

BROKEN = list(broken())


@pytest.fixture
def client(own_redis: RedisServer) -> Iterator[redis.Redis]:
    with redis.Redis.from_url(own_redis.url) as connected:
        yield connected


def keeps(client: redis.Redis, *words: str) -> None:
    wait_until(
        lambda: sorted(client.lrange("kept", 0, -1)) == sorted(word.encode() for word in words),
        deadline_seconds=30,
        what=f"the words {words}",
    )


def drained(client: redis.Redis) -> list[Rejected]:
    kept: list[Rejected] = []
    while rejected.drain(client, kept.extend):
        pass
    return kept


def holds_nothing(client: redis.Redis) -> bool:
    return not list(client.scan_iter(f"{HELD}:*"))


def test_rejected_messages_that_the_list_has_no_place_for_are_counted(
    own_redis: RedisServer, client: redis.Redis, tmp_path: Path
) -> None:
    client.lpush("record", *[b"{broken"] * 107)
    with worker(own_redis.url, tmp_path / "log"):
        wait_until(lambda: int(client.get(rejected.TRIMMED_KEY) or 0) == 7, what="a full count")
    assert client.llen(rejected.REJECTED_KEY) == 100


def test_every_broken_message_is_set_aside_and_the_next_good_one_runs(
    own_redis: RedisServer, client: redis.Redis, tmp_path: Path
) -> None:
    with worker(own_redis.url, tmp_path / "log") as running, publisher(own_redis.url) as send:
        for number, (_, _, raw) in enumerate(BROKEN):
            client.lpush("record", raw)
            send("test.keep", [str(number)], queue="record")
        keeps(client, *[str(number) for number in range(len(BROKEN))])
        assert running.is_alive
        wait_until(lambda: holds_nothing(client), what="everything acknowledged")
        assert SENTINEL not in running.log
        assert "Traceback" not in running.log
        set_aside = drained(client)
        assert [entry.fault for entry in set_aside] == [fault for _, fault, _ in BROKEN]
        assert [entry.size for entry in set_aside] == [len(raw) for _, _, raw in BROKEN]
        assert all(raw.startswith(entry.raw) for entry, (_, _, raw) in zip(set_aside, BROKEN, strict=True))
        assert {entry.queue for entry in set_aside} == {"record"}
        assert running.stop() == 0


def test_a_good_messages_text_is_in_no_log_either(own_redis: RedisServer, client: redis.Redis, tmp_path: Path) -> None:
    with worker(own_redis.url, tmp_path / "log") as running:
        client.lpush("record", json.dumps(good(arguments=[SENTINEL])))
        keeps(client, SENTINEL)
        assert running.stop() == 0
        assert "DEBUG" in running.log
        assert SENTINEL not in running.log


def test_the_rejected_list_keeps_the_newest_hundred(
    own_redis: RedisServer, client: redis.Redis, tmp_path: Path
) -> None:
    client.lpush("record", *[b"broken %d" % number for number in range(130)])
    client.lpush("record", json.dumps(good()))
    with worker(own_redis.url, tmp_path / "log"):
        keeps(client, "word")
    assert [entry.raw for entry in drained(client)] == [b"broken %d" % number for number in range(30, 130)]


@pytest.mark.parametrize("entry", [b"", b"\xff\xfe", b"aftertag.held", b"aftertag.held:zz:record", b"record"])
def test_an_index_entry_that_names_no_held_list_is_removed_and_the_others_are_restored(
    own_redis: RedisServer, client: redis.Redis, tmp_path: Path, entry: bytes
) -> None:
    key = hold(client, json.dumps(good()).encode())
    client.zadd(HELD_INDEX, {entry: 1, key: 2, f"{HELD}:{'0' * 32}:other": 2})
    with worker(own_redis.url, tmp_path / "log") as running:
        keeps(client, "word")
        wait_until(lambda: holds_nothing(client), what="everything acknowledged")
        assert running.is_alive
        assert client.zscore(HELD_INDEX, entry) is None
        assert client.zscore(HELD_INDEX, key) is None


def test_a_restored_message_is_checked_like_any(own_redis: RedisServer, client: redis.Redis, tmp_path: Path) -> None:
    client.zadd(HELD_INDEX, {hold(client, b"{broken"): 1})
    with worker(own_redis.url, tmp_path / "log"):
        wait_until(lambda: client.llen(rejected.REJECTED_KEY), what="a rejected message")
    assert [(aside.fault, aside.queue) for aside in drained(client)] == [("envelope_not_json", "record")]


def hold(client: redis.Redis, raw: bytes) -> str:
    """Leave a message behind as a dead consumer does."""
    key = f"{HELD}:{'f' * 32}:record"
    client.lpush(key, raw)
    return key
