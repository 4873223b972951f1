"""The hook sends to the server as it sends to Redis: with the same promises, and the key for the workspace."""

import socket
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

import api_hooks
from tests.api_hooks.conftest import closes_the_hook  # noqa: F401 - a fixture
from tests.api_hooks.http_server import free_port
from tests.console.server.conftest import Tenant
from tests.console.server.serving import Server, address_of, serving
from tests.waiting import wait_until
from tests.worker.line_stage import rows

OF_ONE = "select id, model, user_id from generations where workspace = :w order by id"
TEXTS = "select t.turns->0->>1 from transcripts t where t.workspace = :w order by 1"

pytestmark = pytest.mark.usefixtures("closes_the_hook")


def configure(server: Server, tenant: Tenant, **given: Any) -> None:
    api_hooks.configure(**{"url": server.url, "key": tenant.token, "flush_seconds": 0.01, **given})


def test_generations_arrive_in_the_keys_workspace_with_feedback_and_losses(
    server: Server, tenant: Tenant, shared_engine: Engine
) -> None:
    configure(server, tenant, buffer_bytes=10_000)
    assert api_hooks.enqueue("hello", "hi", id="1", model="m", user="u-17")
    assert api_hooks.enqueue("hello again", id="2", workspace=tenant.workspace)
    assert api_hooks.feedback("1", 1, "quick", id="f-1")
    assert not api_hooks.enqueue("x" * 20_000)
    assert api_hooks.flush(30)
    assert rows(shared_engine, OF_ONE, w=tenant.workspace) == [("1", "m", "u-17"), ("2", None, None)]
    given = "select id, generation_id, score, comment from feedback where workspace = :w"
    assert rows(shared_engine, given, w=tenant.workspace) == [("f-1", "1", 1.0, "quick")]
    assert api_hooks.close(30)
    told = "select coalesce(sum(generations), 0) from losses where reason = 'too_large'"
    wait_until(lambda: rows(shared_engine, told) == [1])
    stats = api_hooks.stats()
    assert (stats.accepted, stats.sent, stats.dropped) == (3, 3, {"too_large": 1})


def test_a_generation_for_another_workspace_than_the_keys_is_rejected_alone_and_counted(
    server: Server, tenant: Tenant, shared_engine: Engine
) -> None:
    configure(server, tenant)
    api_hooks.enqueue("hello", id="1", workspace="elsewhere")
    api_hooks.enqueue("hello", id="2")
    assert api_hooks.flush(30)
    assert api_hooks.stats().dropped == {"rejected": 1}
    assert rows(shared_engine, OF_ONE, w=tenant.workspace) == [("2", None, None)]


def test_a_key_that_the_server_does_not_know_is_named_in_the_log_and_nothing_is_lost(
    server: Server, tenant: Tenant, shared_engine: Engine, caplog: pytest.LogCaptureFixture
) -> None:
    configure(server, tenant, key=f"{tenant.token[:-4]}0000")
    api_hooks.enqueue("hello", id="1")
    wait_until(lambda: "the server refuses the key (AFTERTAG_KEY)" in caplog.text)
    stats = api_hooks.stats()
    assert (stats.waiting, stats.dropped, stats.is_failing) == (1, {}, True)
    assert tenant.token[:-4] not in caplog.text
    assert rows(shared_engine, OF_ONE, w=tenant.workspace) == []


def test_sampled_and_redacted_at_the_source_it_is_recorded_with_usage_and_cost(
    server: Server, tenant: Tenant, shared_engine: Engine
) -> None:
    configure(server, tenant, workspace=tenant.workspace, sample=0.5, redact=str.upper)
    for number in range(40):
        api_hooks.enqueue("hello", id=str(number), usage={"prompt": 7}, cost_usd=0.5)
    assert api_hooks.flush(30)
    of_all = "select count(*), sum(prompt_tokens), sum(cost_usd) from generations where workspace = :w"
    assert rows(shared_engine, of_all, w=tenant.workspace) == [(40, 280, 20)]
    kept = sum(1 for number in range(40) if api_hooks.wire.draw(tenant.workspace, str(number)) < 0.5)
    assert 0 < kept < 40
    assert rows(shared_engine, TEXTS, w=tenant.workspace) == ["HELLO"] * kept


def test_while_the_server_is_away_generations_wait_and_are_recorded_once_when_it_is_back(
    shared_engine: Engine, redis_url: str, tenant: Tenant, folder: Path
) -> None:
    port = str(free_port())
    url = address_of(shared_engine)
    with serving(url, redis_url, folder, http_port=port) as server:
        configure(server, tenant)
        api_hooks.enqueue("hello", id="000")
        assert api_hooks.flush(30)
        server.kill()
        with pytest.raises(ConnectionError):
            socket.create_connection(("127.0.0.1", int(port)))
        assert all(api_hooks.enqueue("hello", id=f"{number:03}") for number in range(1, 600))
        wait_until(lambda: api_hooks.stats().is_failing)
    with serving(url, redis_url, folder, http_port=port):
        wait_until(lambda: api_hooks.stats().sent == 600)
    assert not api_hooks.stats().is_failing
    assert [row[0] for row in rows(shared_engine, OF_ONE, w=tenant.workspace)] == [f"{n:03}" for n in range(600)]
