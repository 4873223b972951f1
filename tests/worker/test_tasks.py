"""The Celery tasks, called as functions: what each step of the line's clock does in one go."""

import redis
from sqlalchemy import Engine

from tests.worker.line_stage import count
from worker import app, tasks
from worker.broker_transport import rejected
from worker.line import Line


def test_a_sweep_stores_what_was_rejected(line: Line, engine: Engine, redis_db_url: str) -> None:
    made = app.make(line.settings, redis_url=redis_db_url)
    tasks.register(made, line, redis_url=redis_db_url)
    with redis.Redis.from_url(redis_db_url) as client:
        client.lpush(rejected.REJECTED_KEY, *[b"{broken"] * 3)
        made.tasks[tasks.SWEEP]()
        assert client.llen(rejected.REJECTED_KEY) == 0
    assert count(engine, "set_aside") == 3
