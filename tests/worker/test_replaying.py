import json
from inspect import signature
from typing import Any

import pytest
import redis
from sqlalchemy import Engine

from api_hooks import wire
from worker import replaying
from worker.broker_transport import envelope
from worker.broker_transport.envelope import Accepted
from worker.store import set_aside

DOCUMENT = {"id": "g", "workspace": "acme", "turns": [["user", "grüße \U0001f600", None, None]]}
BATCH = {"v": 1, "generations": [DOCUMENT]}


def record(batch: Any) -> None:
    """The signature of the recording task."""


def arguments(raw: Any) -> list[Any]:
    accepted = envelope.read(raw, known_tasks={wire.RECORD_TASK: signature(record)}, max_bytes=4_000_000)
    assert isinstance(accepted, Accepted), accepted
    return list(accepted.body[0])


def put_aside(
    engine: Engine, body: bytes, *, source: Any = "recording", queue: str = "record", size: int | None = None
) -> int:
    with engine.begin() as connection:
        set_aside.add(
            connection,
            source=source,
            queue=queue,
            workspace="acme",
            error="No.",
            body=body,
            size_bytes=len(body) if size is None else size,
        )
        return max(row.id for row in set_aside.newest(connection))


@pytest.mark.parametrize("document", [DOCUMENT, BATCH])
def test_what_recording_refused_goes_back_as_a_batch_that_the_worker_accepts(
    engine: Engine, client: redis.Redis, document: dict[str, Any]
) -> None:
    id_ = put_aside(engine, json.dumps(document).encode())
    assert replaying.replay(engine, client, [id_]).ids == (id_,)
    assert client.llen("record") == 1
    assert arguments(client.rpop("record")) == [BATCH]


def test_what_the_broker_rejected_goes_back_as_it_came_to_its_queue(engine: Engine, client: redis.Redis) -> None:
    raw = b"not \x00 json \xff"
    id_ = put_aside(engine, raw, source="broker", queue="classify.local")
    replaying.replay(engine, client, [id_])
    assert client.rpop("classify.local") == raw


def test_a_replayed_message_is_marked_and_stays_until_it_ages(engine: Engine, client: redis.Redis) -> None:
    id_ = put_aside(engine, b"{}")
    replaying.replay(engine, client, [id_])
    with engine.connect() as connection:
        assert set_aside.waiting_ids(connection) == []
        assert [row.id for row in set_aside.newest(connection, replayed=True)] == [id_]


def test_many_go_back_in_the_order_they_came_in(engine: Engine, client: redis.Redis) -> None:
    ids = [put_aside(engine, json.dumps({"id": str(number)}).encode()) for number in range(replaying.AT_ONCE + 3)]
    assert replaying.replay(engine, client, list(reversed(ids))).ids == tuple(ids)
    found = [arguments(client.rpop("record"))[0]["generations"][0]["id"] for _ in ids]
    assert found == [str(number) for number in range(len(ids))]


def test_what_cannot_be_replayed_is_said_and_the_others_go(engine: Engine, client: redis.Redis) -> None:
    cut = put_aside(engine, b"{}", size=5_000_000)
    no_json = put_aside(engine, b"SENTINEL {")
    nowhere = put_aside(engine, b"raw", source="broker", queue="")
    good = put_aside(engine, b"{}")
    found = replaying.replay(engine, client, [cut, no_json, nowhere, good, 999])
    assert found.ids == (good,)
    assert len(found.problems) == 4
    for id_ in (cut, no_json, nowhere, 999):
        assert any(f" {id_}" in problem for problem in found.problems)
    assert "SENTINEL" not in str(found)


def test_while_redis_is_away_nothing_is_marked(engine: Engine) -> None:
    id_ = put_aside(engine, b"{}")
    with redis.Redis(port=1) as nobody, pytest.raises(redis.ConnectionError):
        replaying.replay(engine, nobody, [id_])
    with engine.connect() as connection:
        assert set_aside.waiting_ids(connection) == [id_]
