"""What Redis holds of the line: depths of the queues, messages workers hold, and those that were rejected."""

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


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokerState:
    """Messages by queue; `held` were fetched and are not acknowledged yet, `rejected` wait for a sweep.

    `problem` is a sentence when Redis does not answer; then nothing else is known.
    """

    depths: dict[str, int]
    held: int = 0
    rejected: int = 0
    problem: str | None = None


def connect(redis_url: str) -> "redis.Redis":
    """Return a client that gives up within seconds, for commands that a person runs and for upkeep."""
    return redis.Redis.from_url(
        redis_url,
        socket_timeout=TIMEOUT_SECONDS,
        socket_connect_timeout=TIMEOUT_SECONDS,
        retry=Retry(NoBackoff(), 0),
    )


def look(client: "redis.Redis", *, endpoints: Iterable[str]) -> BrokerState:
    """Read the depths of recording, sweep, upkeep and of each endpoint's classifying queue."""
    names = (queues.RECORD, *map(queues.classify_queue, sorted(set(endpoints))), queues.SWEEP, queues.UPKEEP)
    try:
        with client.pipeline(transaction=False) as pipe:
            for name in names:
                pipe.llen(name)
            pipe.llen(REJECTED_KEY)
            *depths, rejected = cast(list[int], pipe.execute())
            for key in cast(list[bytes], client.zrange(HELD_INDEX, 0, -1)):
                pipe.llen(cast(str, key))
            held = sum(cast(list[int], pipe.execute()))
    except redis.RedisError as error:
        return BrokerState(depths={}, problem=f"Redis does not answer ({type(error).__name__}).")
    return BrokerState(depths=dict(zip(names, depths, strict=True)), held=held, rejected=rejected)
