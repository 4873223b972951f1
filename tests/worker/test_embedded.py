import json
import os
import signal
import stat
import statistics
import subprocess
import sys
import time
from pathlib import Path

import psutil
import psycopg
import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from tests.waiting import wait_until
from worker import embedded
from worker.embedded.postgres import Postgres
from worker.embedded.redis_engine import Wanted
from worker.embedded.redis_server import RedisServer

STARTER = """
import sys
from pathlib import Path
from worker import embedded

with embedded.services(Path(sys.argv[1])) as running:
    print(running.to_json(), flush=True)
    sys.stdin.read()
"""


def test_services_answer_and_end_with_the_block(tmp_path: Path) -> None:
    with embedded.services(tmp_path / "home") as running:
        with psycopg.connect(running.database_url) as connection:
            assert connection.execute("select current_database()").fetchone() == ("aftertag",)
        with redis.Redis.from_url(running.redis_url) as client:
            assert client.ping()
        keeper = psutil.Process(running.pid)
        children = keeper.children(recursive=True)
        assert len(children) >= 2
    assert not keeper.is_running()
    assert not [child for child in children if child.is_running()]
    assert embedded.running_at(tmp_path / "home") is None


@pytest.mark.parametrize("engine", ["redis", "fake"])
def test_each_redis_engine_hands_out_what_was_pushed(
    tmp_path: Path, engine: Wanted, request: pytest.FixtureRequest
) -> None:
    if engine == "redis":
        request.getfixturevalue("real_redis_engine")
    with embedded.services(tmp_path, database_url="postgresql://elsewhere/", redis_engine=engine) as running:
        assert running.redis_engine == engine
        assert ("trying only" in running.describe()[1]) == (engine == "fake")
        with redis.Redis.from_url(running.redis_url) as client:
            client.lpush("queue", b"x" * 600_000)
            assert client.brpop(["queue"], timeout=5) == (b"queue", b"x" * 600_000)


def test_the_fake_redis_answers_a_transaction_without_waiting_for_acknowledgements(tmp_path: Path) -> None:
    fake = embedded.services(tmp_path, database_url="postgresql://elsewhere/", redis_engine="fake")
    with fake as running, redis.Redis.from_url(running.redis_url) as client:
        seconds = []
        for number in range(100):
            started = time.monotonic()
            client.pipeline().set("a", number).set("b", number).set("c", number).execute()
            seconds.append(time.monotonic() - started)
        assert (
            statistics.quantiles(seconds, n=4)[0] < 0.03
        )  # with Nagle's algorithm each waits for an acknowledgement of 40 ms


def test_a_real_redis_wants_its_password(own_redis: RedisServer) -> None:
    stranger = redis.Redis(port=own_redis.port, retry=Retry(NoBackoff(), retries=0))
    with stranger, pytest.raises(redis.AuthenticationError):
        stranger.ping()


def test_a_redis_killed_and_started_again_has_the_same_address_and_what_it_was_told(own_redis: RedisServer) -> None:
    url = own_redis.url
    with redis.Redis.from_url(url) as client:
        client.rpush("kept", "still here")
    own_redis.kill()
    own_redis.start()
    assert own_redis.url == url
    with redis.Redis.from_url(url) as client:
        assert client.lrange("kept", 0, -1) == [b"still here"]


def test_a_postgres_killed_and_started_again_has_the_same_address(own_postgres: Postgres) -> None:
    with psycopg.connect(own_postgres.url, autocommit=True) as connection:
        connection.execute("create table kept (word text)")
    own_postgres.kill()
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(own_postgres.url)
    own_postgres.start()
    with psycopg.connect(own_postgres.url) as connection:
        assert connection.execute("select count(*) from kept").fetchone() == (0,)


def test_given_urls_start_nothing_and_still_take_the_data_directory(tmp_path: Path) -> None:
    given = {"database_url": "postgresql://db.example/tags", "redis_url": "redis://cache.example/0"}
    with embedded.services(tmp_path, **given) as running:
        assert (running.database_url, running.redis_url) == tuple(given.values())
        assert running.redis_engine == "given"
        assert psutil.Process(running.pid).children() == []
        with pytest.raises(embedded.AlreadyRunningError), embedded.services(tmp_path, **given):
            pass


def test_a_second_start_on_the_same_data_directory_names_the_first_and_touches_nothing(tmp_path: Path) -> None:
    with embedded.services(tmp_path) as running:
        before = {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()}
        first_named = pytest.raises(embedded.AlreadyRunningError, match=f"pid {os.getpid()}")
        with first_named as caught, embedded.services(tmp_path):
            pass
        assert caught.value.pid == os.getpid()
        assert {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()} == before
        assert embedded.running_at(tmp_path) == running
        psycopg.connect(running.database_url).close()


def test_other_commands_find_the_running_services_and_nobody_else_can_read_where(tmp_path: Path) -> None:
    assert embedded.running_at(tmp_path) is None
    with embedded.services(tmp_path) as running:
        assert embedded.running_at(tmp_path) == running
        assert stat.S_IMODE((tmp_path / "services.json").stat().st_mode) == 0o600
        assert "redis://" not in repr(running)


def test_kept_services_outlive_the_block_until_they_are_stopped(tmp_path: Path) -> None:
    with embedded.services(tmp_path, keep=True) as running:
        pass
    try:
        psycopg.connect(running.database_url).close()
        assert embedded.running_at(tmp_path) == running
        with pytest.raises(embedded.AlreadyRunningError, match=f"pid {running.pid}"), embedded.services(tmp_path):
            pass
    finally:
        assert embedded.stop(tmp_path)
    assert not embedded.stop(tmp_path)
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(running.database_url)


@pytest.mark.usefixtures("real_redis_engine")
def test_durable_services_keep_their_rows_their_messages_and_their_addresses(tmp_path: Path) -> None:
    with embedded.services(tmp_path, redis_engine="redis", durable=True) as first:
        with psycopg.connect(first.database_url) as connection:
            connection.execute("create table kept (word text)")
            connection.execute("insert into kept values ('still here')")
        with redis.Redis.from_url(first.redis_url) as client:
            client.rpush("kept", "still here")
    with embedded.services(tmp_path, redis_engine="redis", durable=True) as second:
        assert (second.database_url, second.redis_url) == (first.database_url, first.redis_url)
        with psycopg.connect(second.database_url) as connection:
            assert connection.execute("select word from kept").fetchall() == [("still here",)]
        with redis.Redis.from_url(second.redis_url) as client:
            assert client.lrange("kept", 0, -1) == [b"still here"]


def test_a_starter_killed_with_9_takes_its_services_along_and_the_next_start_succeeds(tmp_path: Path) -> None:
    running, starter = _start_elsewhere(tmp_path)
    services = psutil.Process(running.pid).children(recursive=True)
    starter.kill()
    starter.communicate()
    with embedded.services(tmp_path) as again:
        psycopg.connect(again.database_url).close()
        assert not [service for service in services if service.is_running()]


def test_a_keeper_killed_with_9_leaves_nothing_that_stops_the_next_start(tmp_path: Path) -> None:
    running, starter = _start_elsewhere(tmp_path)
    os.kill(running.pid, signal.SIGKILL)
    starter.communicate()
    assert embedded.running_at(tmp_path) is None
    with embedded.services(tmp_path) as again:
        psycopg.connect(again.database_url).close()
        assert again.pid != running.pid


@pytest.mark.usefixtures("real_redis_engine")
def test_a_service_that_dies_is_started_again_at_the_same_address(tmp_path: Path) -> None:
    with embedded.services(tmp_path, redis_engine="redis") as running:
        for service in psutil.Process(running.pid).children():
            service.kill()

        wait_until(lambda: _answers(running), what="both services answering again")


def test_a_path_too_long_for_a_socket_still_gets_a_database(tmp_path: Path) -> None:
    home = tmp_path / ("deep" * 30)
    addresses = set()
    for _ in range(2):
        with embedded.services(home, redis_url="redis://elsewhere/0") as running:
            psycopg.connect(running.database_url).close()
        addresses.add(running.database_url)
    assert len(addresses) == 1
    assert not Path((home / "postgres" / "socket_directory").read_text()).exists()


def test_a_temporary_directory_too_deep_for_a_socket_is_no_hindrance(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    deep = tmp_path / ("deep" * 30)
    deep.mkdir()
    monkeypatch.setenv("TMPDIR", str(deep))
    with embedded.services(deep / "home", redis_url="redis://elsewhere/0") as running:
        psycopg.connect(running.database_url).close()


def test_a_stranger_with_the_number_of_a_dead_server_is_left_alone(tmp_path: Path) -> None:
    with embedded.services(tmp_path, redis_url="redis://elsewhere/0"):
        pass
    (tmp_path / "postgres" / "files" / "postmaster.pid").write_text(f"{os.getpid()}\n")
    with embedded.services(tmp_path, redis_url="redis://elsewhere/0") as running:
        psycopg.connect(running.database_url).close()


def test_a_service_that_cannot_start_names_its_log(tmp_path: Path) -> None:
    with embedded.services(tmp_path, redis_url="redis://elsewhere/0"):
        pass
    (tmp_path / "postgres" / "files" / "postgresql.conf").write_text("no such setting")
    log_named = pytest.raises(embedded.ServiceStartError, match=r"postgres\.log")
    with log_named, embedded.services(tmp_path, redis_url="redis://elsewhere/0"):
        pass


def test_a_folder_named_worker_where_somebody_stands_is_not_taken_for_ours(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "worker").mkdir()
    (tmp_path / "worker" / "__init__.py").write_text("raise SystemExit('a stranger')")
    monkeypatch.chdir(tmp_path)
    fake = embedded.services(tmp_path / "home", database_url="postgresql://elsewhere/", redis_engine="fake")
    with fake as running, redis.Redis.from_url(running.redis_url) as client:
        assert client.ping()


def _start_elsewhere(data_dir: Path) -> tuple[embedded.Running, subprocess.Popen[str]]:
    starter = subprocess.Popen(
        [sys.executable, "-c", STARTER, str(data_dir)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert starter.stdout is not None
    line = starter.stdout.readline()
    assert json.loads(line)
    return embedded.Running.from_json(line), starter


def _answers(running: embedded.Running) -> bool:
    try:
        psycopg.connect(running.database_url).close()
        with redis.Redis.from_url(running.redis_url) as client:
            return bool(client.ping())
    except (psycopg.OperationalError, redis.ConnectionError):
        return False
