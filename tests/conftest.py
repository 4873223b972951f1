"""Services for the whole suite: embedded ones, or real ones when the environment names them.

AFTERTAG_TEST_DATABASE_URL  a PostgreSQL whose user may create databases; only databases made here are touched
AFTERTAG_TEST_REDIS_URL     a Redis whose databases 1 to 15 the tests may empty

Workers of pytest-xdist's each have embedded ones of their own, and databases of their own in the real ones.
A missing service skips its tests on a laptop and fails them in CI (where the environment says CI).
"""

import itertools
import os
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest
import redis
from hypothesis import HealthCheck, settings

from tests.side_by_side import (
    pytest_configure,
    pytest_runtest_protocol,
    pytest_sessionfinish,
    pytest_xdist_auto_num_workers,
    pytest_xdist_make_scheduler,
)
from worker import embedded
from worker.embedded.postgres import Postgres
from worker.embedded.redis_engine import Engine, find_engine
from worker.embedded.redis_server import RedisServer

__all__ = [
    "pytest_configure",
    "pytest_runtest_protocol",
    "pytest_sessionfinish",
    "pytest_xdist_auto_num_workers",
    "pytest_xdist_make_scheduler",
]

settings.register_profile(
    "ours", settings.get_profile("default"), deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
if not os.environ.get("CI"):  # where Hypothesis has a profile of its own, without a deadline, too
    settings.load_profile("ours")

_REDIS_DATABASES = range(1, 16)
_numbers = itertools.count(1)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark every test that uses the suite's services, so that `-m services` repeats them on others.

    `once` are those about other people's programs: all that these bring to PostgreSQL and Redis, other tests bring, too.
    """
    for test in items:
        if "embedded_services" in getattr(test, "fixturenames", ()) and not test.get_closest_marker("once"):
            test.add_marker("services")


@pytest.fixture(scope="session")
def embedded_services(tmp_path_factory: pytest.TempPathFactory) -> Iterator[embedded.Running]:
    """PostgreSQL and Redis of this session's own."""
    given = {
        "database_url": os.environ.get("AFTERTAG_TEST_DATABASE_URL"),
        "redis_url": os.environ.get("AFTERTAG_TEST_REDIS_URL"),
    }
    with ExitStack() as stack:
        with _missing_skips_but_fails_in_ci():
            running = stack.enter_context(embedded.services(tmp_path_factory.mktemp("services"), **given))
        yield running


@pytest.fixture(scope="session")
def postgres_url(embedded_services: embedded.Running) -> str:
    """Some database of a running PostgreSQL; tests want `database_url` or `empty_database_url`."""
    with _missing_skips_but_fails_in_ci():
        psycopg.connect(embedded_services.database_url, connect_timeout=10).close()
    return embedded_services.database_url


@pytest.fixture(scope="session")
def redis_url(embedded_services: embedded.Running) -> str:
    """A running Redis; tests want `redis_db_url`."""
    with _missing_skips_but_fails_in_ci(), redis.Redis.from_url(embedded_services.redis_url) as client:
        client.ping()
    return embedded_services.redis_url


@pytest.fixture(scope="session")
def migrated_template(postgres_url: str) -> Iterator[str]:
    """The name of a database that has all migrations, to copy from."""
    from worker.store import migrations

    with database(postgres_url, template="template1") as url:
        migrations.upgrade(url)
        yield urlsplit(url).path.removeprefix("/")


@pytest.fixture
def database_url(postgres_url: str, migrated_template: str) -> Iterator[str]:
    """A database of this test's own with all tables and no rows."""
    with database(postgres_url, template=migrated_template) as url:
        yield url


@pytest.fixture
def empty_database_url(postgres_url: str) -> Iterator[str]:
    """A database of this test's own without tables."""
    with database(postgres_url, template="template1") as url:
        yield url


@pytest.fixture(scope="session")
def redis_databases(request: pytest.FixtureRequest) -> Sequence[int]:
    """Numbers of databases that no other worker uses: of a Redis that all of them share, this worker's part."""
    worker = getattr(request.config, "workerinput", None)
    if worker is None or not os.environ.get("AFTERTAG_TEST_REDIS_URL"):
        return _REDIS_DATABASES
    own = _REDIS_DATABASES[int(worker["workerid"].removeprefix("gw")) :: worker["workercount"]]
    assert len(own) > 1, "a Redis has databases for seven workers"
    return own


@pytest.fixture(scope="session")
def redis_databases_of_tests(redis_databases: Sequence[int]) -> Iterator[int]:
    """All but the first, which is `module_redis_url`'s, again and again."""
    return itertools.cycle(redis_databases[1:])


@pytest.fixture(scope="module")
def module_redis_url(redis_url: str, redis_databases: Sequence[int]) -> Iterator[str]:
    """A Redis database for all tests of a module, empty at its beginning."""
    with _empty_redis(redis_url, redis_databases[0]) as url:
        yield url


@pytest.fixture
def redis_db_url(redis_url: str, redis_databases_of_tests: Iterator[int]) -> Iterator[str]:
    """An empty Redis database; the next test gets another."""
    with _empty_redis(redis_url, next(redis_databases_of_tests)) as url:
        yield url


@pytest.fixture(scope="session")
def real_redis_engine() -> Engine:
    """The redis-server at hand; fakeredis does not count."""
    with _missing_skips_but_fails_in_ci():
        return find_engine("redis")


@pytest.fixture
def own_postgres(tmp_path: Path) -> Iterator[Postgres]:
    """A PostgreSQL of this test's own, to stop, kill and start again at the same address."""
    server = Postgres(directory=tmp_path / "postgres", durable=False)
    with _missing_skips_but_fails_in_ci():
        server.start()
    yield server
    server.stop()


@pytest.fixture
def own_redis(tmp_path: Path) -> Iterator[RedisServer]:
    """A Redis of this test's own, to stop, kill and start again at the same address; it keeps what it is told."""
    server = RedisServer(directory=tmp_path / "redis", wanted="redis")
    with _missing_skips_but_fails_in_ci():
        server.start()
    yield server
    server.stop()


@contextmanager
def _empty_redis(redis_url: str, number: int) -> Iterator[str]:
    url = urlunsplit(urlsplit(redis_url)._replace(path=f"/{number}"))
    with redis.Redis.from_url(url) as client:
        client.flushdb()
        yield url
        client.flushdb()


@contextmanager
def _missing_skips_but_fails_in_ci() -> Iterator[None]:
    try:
        yield
    except (embedded.EmbeddedError, psycopg.OperationalError, redis.ConnectionError) as error:
        if os.environ.get("CI"):
            raise
        pytest.skip(str(error))


@contextmanager
def database(postgres_url: str, *, template: str) -> Iterator[str]:
    """A copy of `template`, dropped at the end: for fixtures with a life of their own."""
    name = f"aftertag_test_{os.getpid()}_{next(_numbers)}"
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute(f"create database {name} template {template}")  # type: ignore[call-overload]
        try:
            yield urlunsplit(urlsplit(postgres_url)._replace(path=f"/{name}"))
        finally:
            connection.execute(f"drop database {name} with (force)")  # type: ignore[call-overload]
