"""Real services, real processes, a real model server: the whole line as it stands in production."""

import os
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest

from tests.acceptance import samples
from tests.acceptance.in_process import InProcess, in_process
from tests.acceptance.reading import Database
from tests.acceptance.stage import Stage, stage_of
from tests.model_server import ModelServer
from worker.embedded.postgres import Postgres
from worker.embedded.redis_server import RedisServer
from worker.store import migrations


@pytest.fixture
def model_server() -> Iterator[ModelServer]:
    with ModelServer() as server:
        yield server


@pytest.fixture(scope="session")
def shared_database_url(postgres_url: str, migrated_template: str) -> Iterator[str]:
    """One database for tests that each empty it first: making one costs more than most of them."""
    name = f"aftertag_test_{os.getpid()}_line"
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute(f"create database {name} template {migrated_template}")  # type: ignore[call-overload]
        yield urlunsplit(urlsplit(postgres_url)._replace(path=f"/{name}"))
        connection.execute(f"drop database {name} with (force)")  # type: ignore[call-overload]


@pytest.fixture
def line(request: pytest.FixtureRequest, shared_database_url: str, model_server: ModelServer) -> Iterator[InProcess]:
    """A line with one classifier in workspace acme, at the model server, in a database without rows.

    `@pytest.mark.parametrize("line", [{…}], indirect=True)` gives it settings.
    """
    Database(shared_database_url).empty()
    with in_process(shared_database_url, {"test": model_server.url}, **getattr(request, "param", {})) as made:
        samples.classifier(made.engine)
        yield made


@pytest.fixture
def stage(database_url: str, redis_db_url: str, model_server: ModelServer, tmp_path: Path) -> Iterator[Stage]:
    """The suite's services, with the classifier of `line`; the test starts the processes."""
    with stage_of(database_url, redis_db_url, model_server, tmp_path) as made:
        made.classifier()
        yield made


@pytest.fixture
def own_database_url(own_postgres: Postgres) -> str:
    """A PostgreSQL of the test's own, with all tables."""
    migrations.upgrade(own_postgres.url)
    return own_postgres.url


@pytest.fixture
def own_stage(
    own_database_url: str, own_redis: RedisServer, model_server: ModelServer, tmp_path: Path
) -> Iterator[Stage]:
    """The same on services of the test's own, which it may stop and start."""
    with stage_of(own_database_url, own_redis.url, model_server, tmp_path) as made:
        made.classifier()
        yield made
