"""`queue`, `set-aside`, `sql`, `doctor` and `erase` against real services."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import redis
from sqlalchemy import Connection

from console import psql
from tests.console.command_line import CommandLine, on
from tests.model_server import ModelServer
from tests.worker import line_rows, signs_of_life
from worker import broker_state
from worker.store import engine as engines
from worker.store import partitions, set_aside

ROOT = Path(__file__).parents[2]
NOBODY = "redis://127.0.0.1:1/0"


@pytest.fixture
def aftertag(database_url: str, redis_db_url: str) -> CommandLine:
    return on(database_url, AFTERTAG_REDIS_URL=redis_db_url)


@pytest.fixture
def connection(database_url: str) -> Iterator[Connection]:
    """Every statement stands at once, so that the command line sees it."""
    engine = engines.connect(database_url)
    partitions.make_ahead(engine, today=line_rows.NOW.date())
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        line_rows.workspace(connection, "acme")
        yield connection
    engine.dispose()


@pytest.fixture
def client(redis_db_url: str) -> Iterator[redis.Redis]:
    with broker_state.connect(redis_db_url) as connected:
        yield connected


def put_aside(connection: Connection, body: bytes = b'{"id": "SENTINEL"}', size: int | None = None) -> int:
    set_aside.add(
        connection,
        source="recording",
        queue="record",
        workspace="acme",
        error="created_at: missing",
        body=body,
        size_bytes=size or len(body),
    )
    return max(row.id for row in set_aside.newest(connection))


def test_a_quiet_line_is_healthy(aftertag: CommandLine, connection: Connection, client: redis.Redis) -> None:
    signs_of_life.leave(client)
    told = aftertag.done("queue", "--check").stdout
    assert told.splitlines()[0] == "HEALTHY"
    found = aftertag.done("queue", "--json").json
    assert (found["health"], found["because"], found["unfinished"], found["last_completion"]) == (
        "HEALTHY",
        [],
        0,
        None,
    )
    assert set(found["queues"]) == {"record", "classify.local", "sweep", "upkeep"}


def test_a_line_without_a_worker_is_not_healthy(
    aftertag: CommandLine, connection: Connection, client: redis.Redis
) -> None:
    ended = aftertag("queue", "--check")
    assert ended.exit_code == 1
    assert "No worker gives a sign of life; start `aftertag worker`." in ended.stdout
    assert "Start `aftertag worker`, as many as you like." in aftertag("doctor").stdout
    signs_of_life.leave(client)
    client.delete(broker_state.SWEPT_AT)
    assert "start `aftertag beat`." in aftertag("queue").stdout


def test_what_waits_is_told_and_check_ends_with_one(
    aftertag: CommandLine, connection: Connection, client: redis.Redis
) -> None:
    client.rpush("record", "batch")
    line_rows.classification(connection, "acme", "g", "pending", endpoint="openai", reason="auth_failed")
    told = aftertag.done("queue").stdout
    assert told.splitlines()[0] == "DEGRADED"
    assert "1 auth_failed" in told
    ended = aftertag("queue", "--check", "--json")
    assert ended.exit_code == 1
    assert ended.json["queues"]["record"] == 1
    assert ended.json["queues"]["classify.openai"] == 0
    assert ended.json["waiting"][0]["for_operator"] == {"auth_failed": 1}


def test_a_redis_that_is_away_is_said_and_the_rest_still_told(database_url: str, connection: Connection) -> None:
    found = on(database_url, AFTERTAG_REDIS_URL=NOBODY).done("queue", "--json").json
    assert found["health"] == "DEGRADED"
    assert "Redis does not answer" in found["because"][0]
    assert found["unfinished"] == 0


def test_the_rules_of_health_stand_in_the_help(aftertag: CommandLine) -> None:
    told = " ".join(aftertag.done("queue", "--help").stdout.split())
    for word in ("OVERLOADED", "more than 5 minutes", "DEGRADED", "more than 60 s", "HEALTHY"):
        assert word in told


def test_set_aside_messages_are_listed_without_their_bodies(aftertag: CommandLine, connection: Connection) -> None:
    assert "Set aside: nothing" in aftertag.done("set-aside", "list").stdout
    id_ = put_aside(connection)
    told = aftertag.done("set-aside", "list").stdout
    assert "created_at: missing" in told
    assert "SENTINEL" not in told
    (one,) = aftertag.done("set-aside", "list", "--json").json
    assert (one["id"], one["size_bytes"], one["is_whole"], one["replayed_at"]) == (id_, 18, True, None)
    assert aftertag.done("set-aside", "list", "--show", str(id_)).stdout == '{"id": "SENTINEL"}\n'
    assert aftertag.refused("set-aside", "list", "--show", "999").startswith("There is no set-aside message 999;")


def test_replaying_puts_messages_back_and_says_which_cannot_go(
    aftertag: CommandLine, connection: Connection, client: redis.Redis
) -> None:
    first, second, cut = put_aside(connection), put_aside(connection), put_aside(connection, size=2_000_000)
    assert aftertag.done("set-aside", "replay", "--id", str(first)).stdout == "Put back: 1 of 1.\n"
    assert aftertag.done("set-aside", "replay", "--all", "--json").json == {"ids": [second], "problems": []}
    assert client.llen("record") == 2
    ended = aftertag("set-aside", "replay", "--id", str(cut))
    assert (ended.exit_code, ended.stdout) == (1, "Put back: 0 of 1.\n")
    assert f"Message {cut} is kept in part only" in ended.stderr
    assert aftertag.refused("set-aside", "replay") == "Say which messages: --id ID, or --all."


def test_replaying_while_redis_is_away_is_one_sentence(database_url: str, connection: Connection) -> None:
    put_aside(connection)
    told = on(database_url, AFTERTAG_REDIS_URL=NOBODY).refused("set-aside", "replay", "--all")
    assert told.startswith("Redis does not answer")


def test_doctor_connects_to_endpoints_when_it_shall(
    database_url: str, redis_db_url: str, connection: Connection
) -> None:
    with ModelServer() as server:
        there = {"AFTERTAG_ENDPOINT_THERE_URL": server.url, "AFTERTAG_ENDPOINT_AWAY_URL": "http://127.0.0.1:1/v1"}
        aftertag = on(database_url, AFTERTAG_REDIS_URL=redis_db_url, **there)
        assert "No answer" not in aftertag("doctor").stdout
        told = aftertag("doctor", "--probe").stdout
        assert server.play.total == 0
    assert "No answer from 'away' at 127.0.0.1:1 (Connection refused)." in told
    assert "No answer from 'there'" not in told


def test_doctor_tells_a_wrong_variable_of_an_endpoint_and_looks_on(database_url: str, redis_db_url: str) -> None:
    environment = {"AFTERTAG_REDIS_URL": redis_db_url, "AFTERTAG_ENDPOINT_X_URL": "not an address"}
    found = on(database_url, **environment)("doctor", "--json").json["findings"]
    assert [one["subject"] for one in found][:3] == ["Endpoints", "PostgreSQL", "Clock of PostgreSQL"]
    assert "AFTERTAG_ENDPOINT_X_URL" in found[0]["found"]


@pytest.mark.parametrize("command", ["queue", "doctor", "worker", "beat", "generations"])
@pytest.mark.parametrize(
    ("name", "value"), [("AFTERTAG_REDIS_URL", "foo"), ("AFTERTAG_DATABASE_URL", "/abc"), ("AFTERTAG_REDIS_URL", "://")]
)
def test_an_address_that_is_none_is_told_with_its_variable(
    command: str, name: str, value: str, database_url: str, redis_db_url: str
) -> None:
    environment = {"AFTERTAG_DATABASE_URL": database_url, "AFTERTAG_REDIS_URL": redis_db_url, name: value}
    ended = on(environment.pop("AFTERTAG_DATABASE_URL"), **environment)(
        command, *["-w", "a"] * (command == "generations")
    )
    assert ended.exit_code == 1
    assert f"{name}: it has to begin with" in ended.stdout + ended.stderr


def test_doctor_finds_a_good_installation_fine(
    aftertag: CommandLine, connection: Connection, client: redis.Redis
) -> None:
    signs_of_life.leave(client)
    found = aftertag.done("doctor", "--json").json
    assert found["fine"]
    assert {one["subject"] for one in found["findings"]} >= {
        "PostgreSQL",
        "Clock of PostgreSQL",
        "Schema",
        "Days",
        "Endpoints",
        "Workers",
        "Text",
        "Redis",
        "Eviction",
    }
    told = aftertag.done("doctor").stdout
    assert "All is well." in told
    assert "local (" not in told
    assert "local (no key needed)" in aftertag.done("doctor", "--probe").stdout


def test_doctor_says_what_to_do_about_each_problem(empty_database_url: str) -> None:
    ended = on(empty_database_url, AFTERTAG_REDIS_URL=NOBODY)("doctor")
    assert ended.exit_code == 1
    assert "PROBLEM  Schema: It is at nothing" in ended.stdout
    assert "→ Run `aftertag migrate`." in ended.stdout
    assert "PROBLEM  Redis: It does not answer (ConnectionError)." in ended.stdout


def test_doctor_without_any_service_is_no_traceback(tmp_path: Path) -> None:
    ended = CommandLine(settings={"AFTERTAG_DATA_DIR": str(tmp_path)})("doctor", "--json")
    assert ended.exit_code == 1
    problems = [one["found"] for one in ended.json["findings"] if one["severity"] == "problem"]
    assert len(problems) == 2
    assert all(problem.startswith("Nothing is running;") for problem in problems)


def test_doctor_never_shows_a_password() -> None:
    away = "postgresql://me:SENTINEL@127.0.0.1:1/nothing"
    ended = on(away, AFTERTAG_REDIS_URL="redis://:SENTINEL@127.0.0.1:1/0", OPENAI_API_KEY="SENTINEL")(
        "doctor", "--probe"
    )
    assert ended.exit_code == 1
    assert "SENTINEL" not in ended.stdout + ended.stderr


def test_erasing_asks_first_and_tells_what_went(aftertag: CommandLine, connection: Connection) -> None:
    for user in ("ann", "ben"):
        line_rows.generation(connection, "acme", user, user_id=user)
        line_rows.transcript(connection, "acme", user)
        line_rows.classification(connection, "acme", user, "tagged")
    put_aside(connection)
    refused = aftertag("erase", "-w", "acme", typed="n\n")
    assert refused.exit_code == 1
    assert "generations 2, transcripts 2, classifications 2, feedback 0, set-aside messages 1" in refused.stderr
    assert line_rows.count(connection, "generations") == 2
    done = aftertag.done("erase", "-w", "acme", "--user", "ann", typed="y\n")
    assert "Erased of user 'ann' in workspace 'acme': generations 1, transcripts 1, classifications 1" in done.stdout
    assert "would bring records back" in done.stderr
    found = aftertag.done("erase", "-w", "acme", "--yes", "--json").json
    assert found == {"generations": 1, "transcripts": 1, "classifications": 1, "feedback": 0, "set_aside": 1}
    assert aftertag.refused("erase", "-w", "nope", "--yes").startswith("There is no workspace 'nope';")


def test_sql_is_psql_on_the_right_database(database_url: str, connection: Connection) -> None:
    ended = subprocess.run(
        [
            sys.executable,
            "-m",
            "console",
            "sql",
            "-X",
            "-A",
            "-t",
            "-c",
            "select id, current_database() from workspaces",
        ],
        cwd=ROOT,
        env={"PATH": "/usr/bin:/bin", "AFTERTAG_DATABASE_URL": database_url},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout == f"acme|{urlsplit(database_url).path[1:]}\n"


@pytest.mark.parametrize(
    ("url", "address", "password"),
    [
        ("postgresql://me:p%40ss@db:5432/x", "postgresql://me@db:5432/x", "p@ss"),
        ("postgresql+psycopg://me@db/x?sslmode=require", "postgresql://me@db/x?sslmode=require", None),
        ("postgresql://postgres@/x?host=/a%20b/c", "postgresql://postgres@/x?host=/a%20b/c", None),
        ("postgresql:///x?password=secret&host=/run", "postgresql:///x?host=/run", "secret"),
        ("postgresql://[::1]:5433/x", "postgresql://[::1]:5433/x", None),
    ],
)
def test_the_password_never_stands_among_psqls_arguments(url: str, address: str, password: str | None) -> None:
    assert psql.split_password(url) == (address, password)
    order = psql.order(url, ("-c", "select 1"))
    assert order.arguments == ("psql", address, "-c", "select 1")
    assert order.environment.get("PGPASSWORD") == password
    assert password is None or password not in repr(order)


def test_json_of_every_command_parses(aftertag: CommandLine, connection: Connection) -> None:
    line_rows.generation(connection, "acme", "g")
    line_rows.classification(connection, "acme", "g", "running")
    for command in (["generations"], ["tags"], ["why", "g"], ["queue"], ["set-aside", "list"], ["doctor"]):
        json.loads(aftertag(*command, "--json").stdout)
