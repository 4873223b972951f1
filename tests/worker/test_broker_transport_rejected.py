"""The list of rejected messages on its way into Postgres: nothing is lost between reading and storing."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

import pytest
import redis

from worker.broker_transport import rejected
from worker.broker_transport.refusals import Fault, Refused
from worker.broker_transport.rejected import Rejected

AT = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)
REFUSED = Refused(fault=Fault.BODY_NOT_JSON, error="The body is not JSON in utf-8.")


@pytest.fixture
def client(redis_db_url: str) -> Iterator[redis.Redis]:
    with redis.Redis.from_url(redis_db_url) as connected:
        yield connected


def push(client: redis.Redis, *raws: bytes, body_bytes: int = 1_000) -> None:
    for number, raw in enumerate(raws):
        entry = rejected.to_entry(
            REFUSED, raw=raw, queue="record", id=f"id-{number}", received_at=AT, body_bytes=body_bytes
        )
        client.lpush(rejected.REJECTED_KEY, entry)


def test_entries_come_out_oldest_first_and_are_gone_afterwards(client: redis.Redis) -> None:
    push(client, b"first", b"second \xff\x00", b"third")
    kept: list[Rejected] = []
    assert rejected.drain(client, kept.extend, limit=2) == 2
    assert [entry.raw for entry in kept] == [b"first", b"second \xff\x00"]
    assert rejected.drain(client, kept.extend) == 1
    assert rejected.drain(client, kept.extend) == 0
    assert [entry.raw for entry in kept] == [b"first", b"second \xff\x00", b"third"]


def test_an_entry_says_when_where_and_why(client: redis.Redis) -> None:
    push(client, b"raw")
    kept: list[Rejected] = []
    rejected.drain(client, kept.extend)
    assert kept == [
        Rejected(
            id="id-0", received_at=AT, queue="record", fault="body_not_json", error=REFUSED.error, size=3, raw=b"raw"
        )
    ]
    assert kept[0].is_whole


def test_a_cut_message_keeps_its_true_size(client: redis.Redis) -> None:
    push(client, b"x" * 50, body_bytes=10)
    kept: list[Rejected] = []
    rejected.drain(client, kept.extend)
    assert (kept[0].raw, kept[0].size, kept[0].is_whole) == (b"x" * 10, 50, False)


def test_when_keeping_fails_the_entries_stay(client: redis.Redis) -> None:
    push(client, b"first")

    def fail(entries: Sequence[Rejected]) -> None:
        raise ConnectionError("Postgres is away")

    with pytest.raises(ConnectionError):
        rejected.drain(client, fail)
    kept: list[Rejected] = []
    rejected.drain(client, kept.extend)
    assert [entry.id for entry in kept] == ["id-0"]


def test_entries_that_arrive_while_others_are_kept_stay(client: redis.Redis) -> None:
    push(client, b"first")
    rejected.drain(client, lambda _: client.lpush(rejected.REJECTED_KEY, b"late"))
    assert client.lrange(rejected.REJECTED_KEY, 0, -1) == [b"late"]


@pytest.mark.parametrize("entry", [b"\xff\x00", b"", b"5", b"{}", b'{"id": 1, "size": 1e999}', b"[" * 20_000])
def test_an_entry_that_no_worker_wrote_is_handed_over_as_it_is(client: redis.Redis, entry: bytes) -> None:
    client.lpush(rejected.REJECTED_KEY, entry)
    kept: list[Rejected] = []
    assert rejected.drain(client, kept.extend) == 1
    assert (kept[0].raw, kept[0].fault, kept[0].received_at) == (entry, "unreadable_entry", None)
    assert client.llen(rejected.REJECTED_KEY) == 0


def test_a_replayed_message_waits_behind_the_others(client: redis.Redis) -> None:
    client.lpush("record", b"waiting")
    rejected.replay(client, queue="record", raw=b"again")
    assert client.rpop("record") == b"waiting"
    assert client.rpop("record") == b"again"
