"""What Redis holds of the line: depths of the queues, messages workers hold, those rejected, and who gives signs of life."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import cast

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from worker import queues
from worker.broker_transport.rejected import REJECTED_KEY

TIMEOUT_SECONDS = 3.0
HELD_INDEX = "aftertag.held_index"  # the channel says so, in a module that loads kombu
SWEPT_AT = "aftertag.swept_at"
"""When the last sweep ended, in Unix seconds by Redis' clock: the beat's and a worker's sign of life together."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokerState:
    """Messages by queue; `held` were fetched and are not acknowledged yet, `rejected` wait for a sweep.

    `workers` have lately said that they take what is to be recorded. `swept_seconds_ago` is None before the first sweep.
    `problem` is a sentence when Redis does not answer; then nothing else is known, `workers` neither.
    """

    depths: dict[str, int]
    held: int = 0
    rejected: int = 0
    workers: int | None = None
    swept_seconds_ago: float | None = None
    problem: str | None = None


def connect(redis_url: str) -> "redis.Redis":
    """Return a client that gives up within seconds, for commands that a person runs and for upkeep."""
    return redis.Redis.from_url(
        redis_url,
        socket_timeout=TIMEOUT_SECONDS,
        socket_connect_timeout=TIMEOUT_SECONDS,
        retry=Retry(NoBackoff(), 0),
    )


def look(client: "redis.Redis", *, endpoints: Iterable[str], alive_seconds: float) -> BrokerState:
    """Read the depths of recording, sweep, upkeep and of each endpoint's classifying queue.

    A worker that has given no sign of life for `alive_seconds` (the visibility timeout) counts as gone.
    """
    names = (queues.RECORD, *map(queues.classify_queue, sorted(set(endpoints))), queues.SWEEP, queues.UPKEEP)
    try:
        with client.pipeline(transaction=False) as pipe:
            for name in names:
                pipe.llen(name)
            pipe.llen(REJECTED_KEY)
            *depths, rejected = cast(list[int], pipe.execute())
            stamps = cast(list[tuple[bytes, float]], client.zrange(HELD_INDEX, 0, -1, withscores=True))
            for key, _ in stamps:
                pipe.llen(cast(str, key))
            held = sum(cast(list[int], pipe.execute()))
            now, swept_at = clock_seconds(client), client.get(SWEPT_AT)
    except redis.RedisError as error:
        return BrokerState(depths={}, problem=f"Redis does not answer ({type(error).__name__}).")
    recording = f":{queues.RECORD}".encode()
    return BrokerState(
        depths=dict(zip(names, depths, strict=True)),
        held=held,
        rejected=rejected,
        workers=sum(key.endswith(recording) and now - stamped <= alive_seconds for key, stamped in stamps),
        swept_seconds_ago=None if swept_at is None else max(0.0, now - float(cast(bytes, swept_at))),
    )


def note_sweep(client: "redis.Redis") -> None:
    """Say that a sweep ended now."""
    client.set(SWEPT_AT, clock_seconds(client))


def clock_seconds(client: "redis.Redis") -> float:
    """Redis' clock, in Unix seconds."""
    seconds, microseconds = client.time()
    return seconds + microseconds / 1e6
