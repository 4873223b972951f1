"""Putting back what was set aside: each message is checked and recorded again like any, and may come back here."""

import base64
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import uuid4

import redis

from api_hooks import wire
from worker.broker_transport import rejected
from worker.store import set_aside
from worker.store.set_aside import Body

if TYPE_CHECKING:
    from worker.store.connecting import Engine

AT_ONCE = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Replayed:
    """The ids that went back, and a sentence for each that could not."""

    ids: tuple[int, ...]
    problems: tuple[str, ...]


def replay(engine: "Engine", client: "redis.Redis", ids: Sequence[int]) -> Replayed:
    """Put `ids` back, in the order they came in.

    A row is marked as replayed in the transaction in which it goes back: cut off between, it may go back twice, which
    recording bears. A message that fails again makes a new row; nothing loops.
    """
    done: list[int] = []
    problems: list[str] = []
    wanted = sorted(set(ids))
    for start in range(0, len(wanted), AT_ONCE):
        some = wanted[start : start + AT_ONCE]
        with engine.begin() as connection:
            whole, unfit = _sorted_out(set_aside.bodies_of(connection, some), some)
            for one in set_aside.take_for_replay(connection, whole):
                _put_back(client, one)
                done.append(one.id)
        problems += unfit
    return Replayed(ids=tuple(done), problems=tuple(problems))


def to_batch(body: bytes) -> object:
    """Return the batch that a recording reject stands for: a generation alone is wrapped into one."""
    document = json.loads(body)
    if isinstance(document, dict) and "generations" not in document:
        return {"v": wire.VERSION, "generations": [document]}
    return document


def _sorted_out(bodies: Iterable[Body], wanted: Sequence[int]) -> tuple[list[int], list[str]]:
    found = {one.id: one for one in bodies}
    problems = {id_: problem for id_ in wanted if (problem := _problem(id_, found.get(id_)))}
    return [id_ for id_ in wanted if id_ not in problems], list(problems.values())


def _problem(id_: int, body: Body | None) -> str | None:
    if body is None:
        return f"There is no set-aside message {id_}; `aftertag set-aside list` shows those there are."
    if len(body.body) != body.size_bytes:
        return f"Message {id_} is kept in part only ({len(body.body)} of {body.size_bytes} bytes), so it cannot be replayed."
    if body.source == "broker" and not body.queue:
        return f"Message {id_} was found outside every queue, so it cannot be replayed."
    if body.source == "recording":
        try:
            to_batch(body.body)
        except (ValueError, RecursionError):
            return f"Message {id_} is not JSON, so it cannot be replayed."
    return None


def to_message(batch: object) -> bytes:
    """Return the message that a hook would publish for `batch`: Celery's protocol 2 in kombu's envelope for Redis."""
    id_ = str(uuid4())
    arguments = [[batch], {}, {"callbacks": None, "errbacks": None, "chain": None, "chord": None}]
    hidden = {"argsrepr": "(a replay)", "kwargsrepr": "{}"}
    return json.dumps(
        {
            "body": base64.b64encode(json.dumps(arguments).encode()).decode(),
            "content-type": "application/json",
            "content-encoding": "utf-8",
            "headers": {
                "lang": "py",
                "task": wire.RECORD_TASK,
                "id": id_,
                "root_id": id_,
                "ignore_result": True,
                **hidden,
            },
            "properties": {
                "correlation_id": id_,
                "delivery_mode": 2,
                "delivery_info": {"exchange": "", "routing_key": wire.RECORD_QUEUE},
                "delivery_tag": str(uuid4()),
                "body_encoding": "base64",
                "priority": 0,
            },
        }
    ).encode()


def _put_back(client: "redis.Redis", one: Body) -> None:
    if one.source == "broker":
        rejected.replay(client, queue=one.queue, raw=one.body)
    else:
        rejected.replay(client, queue=wire.RECORD_QUEUE, raw=to_message(to_batch(one.body)))
