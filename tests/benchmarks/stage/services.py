"""PostgreSQL and Redis in a temporary directory; each measurement gets a migrated database and an empty Redis."""

import itertools
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg
import redis
from sqlalchemy import Engine

from worker import embedded
from worker.store import engine as engines
from worker.store import migrations

_numbers = itertools.count(1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where one measurement happens: a database of its own, all of Redis, and a directory for logs."""

    database_url: str
    redis_url: str
    engine: Engine
    directory: Path


@contextmanager
def services() -> Iterator[embedded.Running]:
    """Services of this benchmark's own, and the template that `place` copies."""
    with (
        tempfile.TemporaryDirectory(prefix="aftertag-bench-") as directory,
        embedded.services(Path(directory) / "services", redis_engine="redis") as running,
    ):
        _execute(running.database_url, "create database bench_template template template1")
        migrations.upgrade(_database(running, "bench_template"))
        yield running


@contextmanager
def place(running: embedded.Running) -> Iterator[Place]:
    """A fresh database and an emptied Redis."""
    name = f"bench_{next(_numbers)}"
    _execute(running.database_url, f"create database {name} template bench_template")
    with redis.Redis.from_url(running.redis_url) as client:
        client.flushall()
    url = _database(running, name)
    engine = engines.connect(url, application="benchmark")
    with tempfile.TemporaryDirectory(prefix="aftertag-bench-") as directory:
        try:
            yield Place(database_url=url, redis_url=running.redis_url, engine=engine, directory=Path(directory))
        finally:
            engine.dispose()
            _execute(running.database_url, f"drop database {name} with (force)")


def _database(running: embedded.Running, name: str) -> str:
    return urlunsplit(urlsplit(running.database_url)._replace(path=f"/{name}"))


def _execute(database_url: str, statement: str) -> None:
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(statement)
