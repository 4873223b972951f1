"""What a worker and the beat leave in Redis to show that they are there, for tests that run neither."""

import redis

from worker import broker_state
from worker.broker_transport.holding import HELD, HELD_INDEX


def leave(client: redis.Redis) -> None:
    client.zadd(HELD_INDEX, {f"{HELD}:{'0' * 32}:record": client.time()[0]})
    broker_state.note_sweep(client)
