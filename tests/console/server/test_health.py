"""Health, readiness, documentation and metrics: what an operator and their tools ask a server for."""

import re
import socket
from pathlib import Path

import httpx
import pytest
from sqlalchemy import Engine, text

from console import readiness
from tests.conftest import database
from tests.console.command_line import on
from tests.console.machine import Machine
from tests.console.server.conftest import tenant_in
from tests.console.server.serving import Caller, Server, address_of, caller, said, serving
from tests.console.server.test_bodies import refused
from tests.waiting import wait_until
from worker.embedded.postgres import Postgres
from worker.store import engine as engines
from worker.store import migrations


def test_a_server_lives_and_is_ready(shop: Caller) -> None:
    assert shop.client.get("/healthz").json() == {"status": "ok"}
    assert shop.client.get("/readyz").json() == {"status": "ready"}
    assert readiness.ask(str(shop.client.base_url)) == readiness.Readiness(ready=True)


def test_a_server_whose_schema_is_another_is_not_ready_and_says_what_to_do(
    postgres_url: str, migrated_template: str, folder: Path
) -> None:
    with database(postgres_url, template=migrated_template) as url, serving(url, None, folder) as server:
        with engines.connecting(url) as engine, engine.begin() as connection:
            connection.execute(text("update alembic_version set version_num = '0001'"))
        with caller(server, None) as anybody:
            message = refused(anybody.client.get("/readyz"), 503, "not_now")
            assert anybody.client.get("/healthz").status_code == 200
    assert message == f"The schema is at '0001', this release needs {migrations.head()!r}; run `aftertag migrate`."


def test_a_server_without_postgres_lives_and_is_not_ready(own_postgres: Postgres, folder: Path) -> None:
    migrations.upgrade(own_postgres.url)
    with serving(own_postgres.url, None, folder) as server, caller(server, None) as anybody:
        own_postgres.stop()
        answer = anybody.client.get("/readyz")
        assert "PostgreSQL does not answer" in refused(answer, 503, "not_now")
        assert answer.headers["retry-after"]
        assert anybody.client.get("/healthz").status_code == 200
        own_postgres.start()
        wait_until(lambda: anybody.client.get("/readyz").status_code == 200, what="readiness after Postgres came back")


def test_doctor_says_whether_a_server_answers(server: Server, shared_engine: Engine, redis_db_url: str) -> None:
    url = address_of(shared_engine)
    port = server.url.rsplit(":", 1)[1]
    told = on(url, AFTERTAG_REDIS_URL=redis_db_url, AFTERTAG_HTTP_PORT=port)("doctor").stdout
    assert f"OK       HTTP server: It answers at {server.url}, and can record." in told
    told = on(url, AFTERTAG_HTTP_PORT="1")("doctor").stdout
    assert "NOTE     HTTP server: None of ours answers at" in told


def test_the_documentation_needs_nothing_from_elsewhere(shop: Caller) -> None:
    page = shop.client.get("/docs")
    assert page.headers["content-type"].startswith("text/html")
    needed = re.findall(r"""(?:src|href)=["']([^"']+)["']""", page.text)
    assert len(needed) >= 3
    for address in needed:
        assert address.startswith("/"), address
        assert shop.client.get(address).status_code == 200
    assert "http://" not in page.text
    assert "https://" not in page.text


def test_the_description_names_every_way_its_answers_and_its_keys(shop: Caller) -> None:
    found = shop.client.get("/openapi.json").json()
    assert {"/v1/generations", "/v1/feedback", "/healthz", "/readyz"} <= set(found["paths"])
    operation = found["paths"]["/v1/generations"]["post"]
    assert set(operation["responses"]) == {"200", "400", "401", "403", "408", "413", "415", "422", "429", "503"}
    assert operation["security"] == [{"HTTPBearer": []}, {"APIKeyHeader": []}]
    assert set(found["components"]["securitySchemes"]) == {"HTTPBearer", "APIKeyHeader"}


def test_the_examples_of_the_description_are_recorded(shop: Caller) -> None:
    found = shop.client.get("/openapi.json").json()
    for path in ("/v1/generations", "/v1/feedback"):
        content = found["paths"][path]["post"]["requestBody"]["content"]["application/json"]
        for example in content["examples"].values():
            assert shop.post(example["value"], path=path).json()["recorded"] >= 1


def test_metrics_count_requests_by_route_and_status_and_what_became_of_generations(
    shared_engine: Engine, folder: Path
) -> None:
    url = address_of(shared_engine)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    tenant = tenant_in(shared_engine)
    with serving(url, None, folder, metrics_port=str(port)) as server, caller(server, tenant.token) as shop:
        shop.post([said(id="1"), said(id="1"), {}])
        shop.post(b"{")
        shop.client.get("/nowhere/at/all")
        wait_until(
            lambda: all(line in metrics_at(port) for line in COUNTED), what="all of them counted"
        )  # after the answers


def metrics_at(port: int) -> str:
    return httpx.get(f"http://127.0.0.1:{port}/metrics", trust_env=False, timeout=30).text


COUNTED = (
    'aftertag_http_requests_total{route="/v1/generations",status="200"} 1.0',
    'aftertag_http_requests_total{route="/v1/generations",status="400"} 1.0',
    'aftertag_http_requests_total{route="other",status="404"} 1.0',
    'aftertag_http_results_total{result="recorded",way="generations"} 1.0',
    'aftertag_http_results_total{result="known",way="generations"} 1.0',
    'aftertag_http_results_total{result="rejected",way="generations"} 1.0',
    'aftertag_http_request_seconds_count{route="/v1/generations"} 2.0',
    "aftertag_recorded_total 1.0",
)


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({}, "AFTERTAG_HTTP_PORT is {port}, which cannot be served at AFTERTAG_HTTP_HOST '127.0.0.1' ("),
        ({"AFTERTAG_HTTP_HOST": "no.such.host.invalid"}, "AFTERTAG_HTTP_PORT is {port}, which cannot be served at"),
        ({"AFTERTAG_REDACT": "nobody.has:this"}, "AFTERTAG_REDACT is 'nobody.has:this', which cannot be used (Modu"),
        ({"AFTERTAG_REDACT": "json:__doc__"}, "AFTERTAG_REDACT is 'json:__doc__', which cannot be used (TypeError"),
    ],
)
def test_what_a_server_cannot_start_with_is_told_in_a_sentence(
    database_url: str, server: Server, folder: Path, settings: dict[str, str], told: str
) -> None:
    port = server.url.rsplit(":", 1)[1]
    machine = Machine(folder=folder, settings={"AFTERTAG_DATABASE_URL": database_url, **settings})
    with machine.running("serve", "--port", port) as started:
        assert started.ended() == 1
    last = started.stderr.read_text().splitlines()[-1]
    assert last.startswith(told.format(port=port)), last


def test_a_worker_with_a_wrong_redaction_does_not_start(database_url: str, redis_db_url: str, folder: Path) -> None:
    settings = {"AFTERTAG_DATABASE_URL": database_url, "AFTERTAG_REDIS_URL": redis_db_url}
    machine = Machine(folder=folder, settings={**settings, "AFTERTAG_REDACT": "json:loads.nothing"})
    with machine.running("worker") as started:
        assert started.ended() == 1
    assert started.stderr.read_text().startswith("AFTERTAG_REDACT is 'json:loads.nothing', which cannot be used (Attr")
