"""Services for the whole suite: embedded ones, or real ones when the environment names them.

AFTERTAG_TEST_DATABASE_URL  a PostgreSQL whose user may create databases; only databases made here are touched
AFTERTAG_TEST_REDIS_URL     a Redis whose databases 1 to 15 the tests may empty

Workers of pytest-xdist's each have embedded ones of their own, and databases of their own in the real ones.
A missing service skips its tests on a laptop and fails them in CI (where the environment says CI).
"""

import itertools
import os
import shutil
import tempfile
from collections.abc import Generator, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest
import redis

from tests import alone
from worker import embedded
from worker.embedded.postgres import Postgres
from worker.embedded.redis_engine import Engine, find_engine
from worker.embedded.redis_server import RedisServer

_OWN_FOLDER = pytest.StashKey[Path]()
_REDIS_DATABASES = range(1, 16)
_numbers = itertools.count(1)


@pytest.hookimpl(tryfirst=True)  # before pytest reads the option
def pytest_configure(config: pytest.Config) -> None:
    """Give the session a temporary folder that no other one touches, and let what it starts keep what Python compiles.

    Of pytest's own, which all sessions share, each takes the rights away with which the others' PostgreSQL, another
    account than root, comes to its files.
    """
    # With it, each of LiteLLM's seven starts compiles LiteLLM: 15 s of computing, 7 s without.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    if config.option.basetemp is None:
        config.option.basetemp = tempfile.mkdtemp(prefix="aftertag-tests-")
        config.stash[_OWN_FOLDER] = Path(config.option.basetemp)


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Leave what the tests wrote only where one of them failed."""
    own = session.config.stash.get(_OWN_FOLDER, None)
    if own is not None and exitstatus in (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED):
        shutil.rmtree(own, ignore_errors=True)


@pytest.hookimpl(wrapper=True, tryfirst=True)  # around pytest-timeout's: waiting for a turn is no test's time
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Run a test marked `alone` while no other worker runs one."""
    if not hasattr(item.config, "workerinput"):
        return (yield)
    with alone.turn(Path(item.config.option.basetemp).parent, alone=item.get_closest_marker("alone") is not None):
        return (yield)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark every test that uses the suite's services, so that `-m services` repeats them on others."""
    for test in items:
        if "embedded_services" in getattr(test, "fixturenames", ()):
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
def redis_databases(request: pytest.FixtureRequest) -> Iterator[int]:
    """Numbers of databases, again and again: of a Redis that all workers share, those that are this worker's."""
    worker = getattr(request.config, "workerinput", None)
    if worker is None or not os.environ.get("AFTERTAG_TEST_REDIS_URL"):
        return itertools.cycle(_REDIS_DATABASES)
    own = _REDIS_DATABASES[int(worker["workerid"].removeprefix("gw")) :: worker["workercount"]]
    assert own, "a Redis has databases for 15 workers"
    return itertools.cycle(own)


@pytest.fixture
def redis_db_url(redis_url: str, redis_databases: Iterator[int]) -> Iterator[str]:
    """An empty Redis database; the next test gets another."""
    url = urlunsplit(urlsplit(redis_url)._replace(path=f"/{next(redis_databases)}"))
    with redis.Redis.from_url(url) as client:
        client.flushdb()
        yield url
        client.flushdb()


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
