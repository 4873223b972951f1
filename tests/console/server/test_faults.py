"""Services away, processes killed, callers that stop in the middle: every generation once, and an answer within its bound."""

import os
import signal
import socket
import statistics
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from sqlalchemy import Engine, text

from console.server.intake import ANSWER_SECONDS
from tests.console.server.conftest import Tenant, tenant_in
from tests.console.server.serving import Caller, Server, address_of, answered, caller, said, serving
from tests.console.server.test_bodies import refused
from tests.hung import hung
from tests.waiting import wait_until
from tests.worker import line_stage
from tests.worker.line_stage import rows
from worker.embedded.postgres import Postgres
from worker.store import engine as engines
from worker.store import migrations

IDS = "select id from generations where workspace = :w order by id"


@pytest.fixture
def own(own_postgres: Postgres) -> Iterator[Engine]:
    """An engine on a Postgres of this test's own, which it may stop and start."""
    migrations.upgrade(own_postgres.url)
    with engines.connecting(own_postgres.url) as engine:
        yield engine


@pytest.fixture
def own_tenant(own: Engine) -> Tenant:
    return tenant_in(own)


@pytest.fixture
def own_server(own_postgres: Postgres, own_tenant: Tenant, folder: Path) -> Iterator[Server]:
    with serving(own_postgres.url, None, folder, drain_seconds="60") as server:
        yield server


@pytest.fixture
def own_shop(own_server: Server, own_tenant: Tenant) -> Iterator[Caller]:
    with caller(own_server, own_tenant.token) as made:
        yield made


def test_while_postgres_is_away_it_says_so_and_a_retry_records_once(
    own_postgres: Postgres, own: Engine, own_tenant: Tenant, own_shop: Caller
) -> None:
    sent = [said(id="1"), said(id="2")]
    assert own_shop.post(said(id="0")).json()["recorded"] == 1
    own_postgres.stop()
    answer = own_shop.post(sent)
    assert answer.elapsed.total_seconds() < 2 * ANSWER_SECONDS
    assert "send it again" in refused(answer, 503, "not_now")
    assert int(answer.headers["retry-after"]) >= 1
    own_postgres.start()
    again = wait_until(lambda: answered(own_shop, sent), what="recording after Postgres came back")
    assert again["recorded"] == 2
    assert own_shop.post(sent).json()["known"] == 2
    assert rows(own, IDS, w=own_tenant.workspace) == ["0", "1", "2"]


def test_a_frozen_postgres_is_answered_within_the_bound_and_its_retry_is_known(
    own_postgres: Postgres, own: Engine, own_tenant: Tenant, own_shop: Caller
) -> None:
    assert own_shop.post(said(id="0")).json()["recorded"] == 1
    family = backends(own)
    for pid in family:
        os.kill(pid, signal.SIGSTOP)
    try:
        answer = own_shop.post(said(id="1"))
        refused(answer, 503, "not_now")
        assert answer.elapsed.total_seconds() < 2 * ANSWER_SECONDS
        assert own_shop.client.get("/healthz").status_code == 200
    finally:
        for pid in family:
            os.kill(pid, signal.SIGCONT)
    found = wait_until(lambda: answered(own_shop, said(id="1")), what="recording after the thaw")
    assert found["recorded"] + found["known"] == 1
    assert rows(own, IDS, w=own_tenant.workspace) == ["0", "1"]


def backends(engine: Engine) -> list[int]:
    """The processes that serve the server's connections."""
    pids = rows(engine, "select pid from pg_stat_activity where application_name = 'aftertag server'")
    assert pids
    return [int(pid) for pid in pids]


@pytest.mark.parametrize("away", ["absent", "hung"])
def test_redis_away_or_hung_holds_up_no_answer(shared_engine: Engine, folder: Path, away: str) -> None:
    tenant = tenant_in(shared_engine)
    line_stage.classifier(shared_engine, workspace=tenant.workspace)
    url = address_of(shared_engine)
    with hung() as silent:
        redis_url = f"redis://{silent if away == 'hung' else '127.0.0.1:1'}/0"
        with serving(url, redis_url, folder) as server, caller(server, tenant.token) as shop:
            seconds = []
            for number in range(20):
                begun = time.monotonic()
                assert shop.post(said(id=str(number))).json()["recorded"] == 1
                seconds.append(time.monotonic() - begun)
            assert statistics.median(seconds) < 1
            server.ask_to_end()
            assert server.child.wait(30) == 0, server.log
    waiting = "select count(*) from classifications where workspace = :w and state = 'pending'"
    assert rows(shared_engine, waiting, w=tenant.workspace) == [20]


def test_what_is_recorded_is_rung_for(server: Server, shared_engine: Engine, redis_url: str) -> None:
    import redis

    tenant = tenant_in(shared_engine)
    line_stage.classifier(shared_engine, workspace=tenant.workspace)
    with caller(server, tenant.token) as shop, redis.Redis.from_url(redis_url) as client:
        before = int(client.llen("classify.local"))  # type: ignore[arg-type]
        assert shop.post(said()).json()["recorded"] == 1
        wait_until(lambda: int(client.llen("classify.local")) > before, what="a bell in Redis")  # type: ignore[arg-type]


def test_a_server_killed_between_commit_and_answer_leaves_what_a_retry_finds_known(
    own_postgres: Postgres, own: Engine, own_tenant: Tenant, own_server: Server, own_shop: Caller, folder: Path
) -> None:
    """The caller never reads the answer: the server is killed as soon as the row is there."""
    body = b'{"messages": "a", "id": "1"}'
    with connected(own_server) as line:
        line.sendall(head(own_tenant, len(body)) + body)
        wait_until(lambda: rows(own, IDS, w=own_tenant.workspace) == ["1"], what="the row")
        own_server.kill()
    with serving(own_postgres.url, None, folder) as second, caller(second, own_tenant.token) as shop:
        assert shop.post(body).json()["known"] == 1
    assert rows(own, IDS, w=own_tenant.workspace) == ["1"]


def test_two_servers_record_one_id_once(server: Server, shared_engine: Engine, folder: Path) -> None:
    tenant = tenant_in(shared_engine)
    url = address_of(shared_engine)
    with (
        serving(url, None, folder) as other,
        caller(server, tenant.token) as one,
        caller(other, tenant.token) as two,
        ThreadPoolExecutor(8) as pool,
    ):
        sent = [said(id=str(number)) for number in range(50)]
        found = list(pool.map(lambda shop: shop.post(sent).json(), [one, two] * 8))
    assert sum(answer["recorded"] for answer in found) == 50
    assert sum(answer["known"] for answer in found) == 15 * 50
    assert len(rows(shared_engine, IDS, w=tenant.workspace)) == 50


def test_told_to_end_it_answers_what_it_has_begun_and_waits_for_no_half_sent_body(
    own: Engine, own_tenant: Tenant, own_server: Server, own_shop: Caller
) -> None:
    body = b'{"messages": "a", "id": "slow"}'
    with own.connect() as blocker, connected(own_server) as half, ThreadPoolExecutor(1) as pool:
        own_shop.post(said(id="first"))
        blocker.execute(text("lock table classifications in exclusive mode"))
        under_way = pool.submit(own_shop.post, said(id="second"))
        half.sendall(head(own_tenant, len(body)) + body[:10])
        wait_until(lambda: waits_for_a_lock(own), what="a recorder that waits for the lock")
        own_server.ask_to_end()
        wait_until(lambda: "stopping: no new requests" in own_server.log, what="the server's end")
        blocker.rollback()
        assert under_way.result(10).json()["recorded"] == 1
        assert own_server.child.wait(30) == 0, own_server.log
        assert half.recv(100).startswith(b"HTTP/1.1 408 ")
    assert rows(own, IDS, w=own_tenant.workspace) == ["first", "second"]
    assert "Traceback" not in own_server.log


def waits_for_a_lock(engine: Engine) -> bool:
    waiting = "select from pg_stat_activity where wait_event_type = 'Lock' and application_name = 'aftertag server'"
    with engine.connect() as connection:
        return bool(connection.execute(text(waiting)).rowcount)


def test_a_caller_that_stops_in_the_middle_of_a_body_records_nothing(
    server: Server, shop: Caller, tenant: Tenant, shared_engine: Engine
) -> None:
    body = b'{"messages": "a", "id": "half"}'
    with connected(server) as line:
        line.sendall(head(tenant, len(body)) + body[:-1])
    assert shop.post(said(id="whole")).json()["recorded"] == 1
    assert rows(shared_engine, IDS, w=tenant.workspace) == ["whole"]
    assert "Traceback" not in server.log


def connected(server: Server) -> socket.socket:
    found = urlsplit(server.url)
    return socket.create_connection((found.hostname, found.port), timeout=20)


def head(tenant: Tenant, length: int) -> bytes:
    return (
        "POST /v1/generations HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
        f"Authorization: Bearer {tenant.token}\r\nContent-Length: {length}\r\n\r\n"
    ).encode()
