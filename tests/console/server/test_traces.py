"""POST /v1/traces over real HTTP: answers in the request's encoding, as OTLP has them; what came stands in Postgres."""

import gzip
import socket
import time
from pathlib import Path

import httpx
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse
from sqlalchemy import Engine

from console.server.otlp import protocol
from tests.console.server.conftest import Tenant, tenant_in
from tests.console.server.otlp.samples import Emitted, chat, in_json, in_protobuf
from tests.console.server.serving import Caller, Server, address_of, caller, serving
from tests.waiting import wait_until
from tests.worker.classifier_samples import definition
from tests.worker.line_stage import rows
from worker.embedded.postgres import Postgres
from worker.store import classifiers, migrations
from worker.store import engine as engines

PROTOBUF = "application/x-protobuf"
AGENT = {"gen_ai.operation.name": "invoke_agent", "gen_ai.usage.input_tokens": 80}
RECORDED = "select id, prompt_tokens, completion_tokens from generations where workspace = :workspace order by id"
B, C = ("bb" * 8, "cc" * 8)
A_YEAR_NS = 365 * 86_400 * 10**9


def send(shop: Caller, body: bytes, media_type: str = PROTOBUF, **headers: str) -> httpx.Response:
    return shop.post(body, "/v1/traces", Content_Type=media_type, **headers)


def called(number: int, **fields: object) -> Emitted:
    """A chat with a response's id of its own."""
    attributes = {**chat(), "gen_ai.response.id": f"chatcmpl-{number:020}"}
    return Emitted(attributes=attributes, span_id=f"{number:016x}", **fields)  # type: ignore[arg-type]


@pytest.mark.parametrize("media_type", [PROTOBUF, "application/json", "application/json; charset=utf-8"])
@pytest.mark.parametrize("is_zipped", [False, True])
def test_a_batch_stands_in_postgres_when_it_is_answered(
    shop: Caller, tenant: Tenant, shared_engine: Engine, media_type: str, is_zipped: bool
) -> None:
    spans = (called(1), Emitted(attributes=AGENT, span_id=C), called(2))
    body = in_protobuf(*spans) if media_type == PROTOBUF else in_json(*spans)
    headers = {"content_encoding": "gzip"} if is_zipped else {}
    answer = send(shop, gzip.compress(body) if is_zipped else body, media_type, **headers)
    assert answer.status_code == 200
    assert answer.headers["content-type"].partition(";")[0] == media_type.partition(";")[0]
    assert answer.content == (b"" if media_type == PROTOBUF else b"{}")
    assert rows(shared_engine, RECORDED, workspace=tenant.workspace) == [
        (f"chatcmpl-{1:020}", 40, 8),
        (f"chatcmpl-{2:020}", 40, 8),
    ]


def test_a_batch_that_is_sent_again_changes_nothing(shop: Caller, tenant: Tenant, shared_engine: Engine) -> None:
    nameless = Emitted(attributes=chat(), span_id=B)
    for _ in range(2):
        assert send(shop, in_protobuf(called(1), nameless)).content == b""
    found = rows(shared_engine, RECORDED, workspace=tenant.workspace)
    assert [id_ for id_, *_ in found] == [f"chatcmpl-{1:020}", f"otlp-{nameless.trace_id}-{B}"]


def test_what_cannot_be_recorded_is_rejected_by_number_with_its_reason_and_set_aside(
    shop: Caller, tenant: Tenant, shared_engine: Engine
) -> None:
    old = called(1, start_ns=time.time_ns() - A_YEAR_NS)
    answer = send(shop, in_protobuf(old, called(2)))
    assert answer.status_code == 200
    partial = ExportTraceServiceResponse.FromString(answer.content).partial_success
    assert partial.rejected_spans == 1
    assert partial.error_message.startswith("1 generations were not recorded: created_at: ")
    answer = send(shop, in_json(old), "application/json")
    assert answer.json() == {"partialSuccess": {"rejectedSpans": "1", "errorMessage": partial.error_message}}
    assert len(rows(shared_engine, RECORDED, workspace=tenant.workspace)) == 1
    aside = rows(
        shared_engine,
        "select convert_from(body, 'utf8')::jsonb->'turns' from set_aside where workspace = :workspace",
        workspace=tenant.workspace,
    )
    as_it_goes_over_the_wire = [["user", "Why is the sky blue?", None, None], ["assistant", "It scatters.", None, None]]
    assert aside == [as_it_goes_over_the_wire] * 2


@pytest.mark.parametrize(
    ("body", "media_type", "status", "code", "message"),
    [
        (b"\xff\xff", PROTOBUF, 400, 3, "The body is no ExportTraceServiceRequest in protobuf."),
        (
            b'{"resourceSpans": 5}',
            "application/json",
            400,
            3,
            "The JSON is no ExportTraceServiceRequest of OTLP: there `resourceSpans` is a list of objects.",
        ),
        (b"{not json", "application/json", 400, 3, "The body is not JSON (line 1, column 2)."),
        (
            b"x",
            "text/plain",
            415,
            3,
            "The content type is not read here; send application/x-protobuf or application/json.",
        ),
    ],
)
def test_what_cannot_be_decoded_is_answered_with_a_status_in_its_encoding(
    shop: Caller, body: bytes, media_type: str, status: int, code: int, message: str
) -> None:
    answer = send(shop, body, media_type)
    assert answer.status_code == status
    if media_type == PROTOBUF:
        assert answer.headers["content-type"] == PROTOBUF
        told = protocol.status_class().FromString(answer.content)
        assert (told.code, told.message) == (code, message)
    else:
        assert answer.json() == {"code": code, "message": message}


@pytest.mark.parametrize("body", [b"{}", b""])
def test_an_empty_request_of_whoever_tries_a_connection_is_well(shop: Caller, body: bytes) -> None:
    answer = send(shop, body, "application/json", X_Test_Connection="true")
    assert (answer.status_code, answer.content) == (200, b"{}")


def test_an_address_with_a_slash_behind_it_is_the_same_and_nobody_is_led_elsewhere(
    shop: Caller, tenant: Tenant, shared_engine: Engine
) -> None:
    answer = shop.post(in_protobuf(called(1)), "/v1/traces/", Content_Type=PROTOBUF)
    assert (answer.status_code, answer.content) == (200, b"")
    assert len(rows(shared_engine, RECORDED, workspace=tenant.workspace)) == 1
    assert shop.client.get("/healthz/").status_code == 404
    assert not [path for path in shop.client.get("/openapi.json").json()["paths"] if path.endswith("/")]


def test_without_a_key_the_answer_is_a_status_too(server: Server) -> None:
    with caller(server, None) as nobody:
        answer = send(nobody, in_protobuf(called(1)))
    assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer")
    assert protocol.status_class().FromString(answer.content).code == 16


def test_a_call_whose_text_is_not_captured_counts_and_is_never_asked_about(
    shop: Caller, tenant: Tenant, shared_engine: Engine
) -> None:
    with shared_engine.begin() as connection:
        classifiers.create(
            connection, tenant.workspace, "departments", definition(), state="active", configured_by=None
        )
    without_text = {name: value for name, value in chat().items() if not name.endswith("messages")}
    assert send(shop, in_protobuf(Emitted(attributes=without_text), called(1))).content == b""
    assert rows(
        shared_engine,
        "select g.prompt_tokens, g.metadata->>'text', c.state, c.reason, c.rate::float, t.turns is not null"
        " from generations g join classifications c on (c.workspace, c.generation_id) = (g.workspace, g.id)"
        " left join transcripts t on (t.workspace, t.generation_id) = (g.workspace, g.id)"
        " where g.workspace = :workspace order by t.turns is null desc",
        workspace=tenant.workspace,
    ) == [
        (40, "not captured by the sender", "not_run", "sampled_out", 0.0, False),
        (40, None, "pending", None, 1.0, True),
    ]


def test_a_span_that_brings_text_and_response_of_the_call_within_it_completes_its_record(
    shop: Caller, tenant: Tenant, shared_engine: Engine
) -> None:
    without_text = {name: value for name, value in chat().items() if not name.endswith("messages")}
    inner = Emitted(attributes=without_text, span_id=B, parent_id=C)
    told = {**chat(), "gen_ai.response.id": f"chatcmpl-{1:020}", "session.id": "s-1"}
    outer = Emitted(attributes=told, span_id=C)
    for span in (inner, outer, outer):
        assert send(shop, in_protobuf(span)).content == b""
    assert rows(
        shared_engine,
        "select g.id, g.session_id, g.metadata->>'text', jsonb_array_length(t.turns) from generations g"
        " join transcripts t on (t.workspace, t.generation_id, t.created_at) = (g.workspace, g.id, g.created_at)"
        " where g.workspace = :workspace",
        workspace=tenant.workspace,
    ) == [(f"otlp-{inner.trace_id}-{B}", "s-1", None, 2)]


def test_a_call_that_the_sdks_hook_hands_over_too_is_one_generation(
    shop: Caller, tenant: Tenant, shared_engine: Engine
) -> None:
    response = {
        "id": f"chatcmpl-{1:020}",
        "object": "chat.completion",
        "choices": [{"message": {"role": "assistant", "content": "It scatters."}, "finish_reason": "stop"}],
    }
    handed_over = {"messages": [{"role": "user", "content": "Why is the sky blue?"}], "output": response}
    assert shop.post(handed_over).json()["recorded"] == 1
    send(shop, in_protobuf(called(1)))
    assert len(rows(shared_engine, RECORDED, workspace=tenant.workspace)) == 1
    send(shop, in_protobuf(called(2)))
    assert shop.post({**handed_over, "output": {**response, "id": f"chatcmpl-{2:020}"}}).json()["known"] == 1


def test_while_postgres_is_away_an_exporter_is_told_to_come_back(
    own_postgres: Postgres, redis_url: str, folder: Path
) -> None:
    migrations.upgrade(own_postgres.url)
    engine = engines.connect(own_postgres.url, connections=1)
    token = tenant_in(engine).token
    engine.dispose()
    with serving(own_postgres.url, redis_url, folder) as server, caller(server, token) as shop:
        assert send(shop, in_protobuf(called(1))).status_code == 200
        own_postgres.stop()
        answer = send(shop, in_protobuf(called(2)))
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
        assert protocol.status_class().FromString(answer.content).code == 14
        own_postgres.start()
        assert send(shop, in_protobuf(called(2))).status_code == 200


def test_what_is_over_the_limit_is_rejected_and_counted_as_lost(
    shared_engine: Engine, redis_url: str, folder: Path
) -> None:
    url = address_of(shared_engine)
    tenant = tenant_in(shared_engine)
    lost = "select coalesce(sum(generations), 0)::int from losses where reason = 'over_limit'"
    with serving(url, redis_url, folder, http_generations="2") as server, caller(server, tenant.token) as shop:
        send(shop, in_protobuf(called(1), called(2)))
        assert rows(shared_engine, lost) == [0]
        answer = send(shop, in_protobuf(*map(called, range(3, 8))))
        assert ExportTraceServiceResponse.FromString(answer.content).partial_success.rejected_spans == 3
        assert rows(shared_engine, lost) == [3]


def test_a_collectors_default_batch_is_recorded_whole(shop: Caller, tenant: Tenant, shared_engine: Engine) -> None:
    body = in_protobuf(*map(called, range(8_192)))
    wait_until(lambda: send(shop, body).status_code == 200, deadline_seconds=100, what="an answer that is not 503")
    count = "select count(*) from generations where workspace = :workspace"
    assert rows(shared_engine, count, workspace=tenant.workspace) == [8_192]


def test_a_bomb_of_gzip_and_a_body_over_the_limit_are_refused_with_a_status(shop: Caller) -> None:
    bomb = gzip.compress(bytes(50_000_000))
    for body, encoding in ((bomb, "gzip"), (bytes(21_000_000), "identity")):
        answer = send(shop, body, content_encoding=encoding)
        assert answer.status_code == 413
        assert protocol.status_class().FromString(answer.content).code == 8
    assert send(shop, b"no gzip", content_encoding="gzip").status_code == 400


def test_no_text_of_a_span_reaches_the_log(server: Server, shop: Caller) -> None:
    secret = "the merger with Northwind"
    for body in (in_protobuf(Emitted(attributes=chat(secret))), in_protobuf(Emitted(attributes=chat(secret)))[:-9]):
        send(shop, body)
        send(shop, body, "application/json")
    old = Emitted(attributes=chat(secret), start_ns=time.time_ns() - A_YEAR_NS)
    assert secret not in send(shop, in_json(old), "application/json").text
    assert secret not in server.log


def test_who_it_belongs_to_stands_with_it(shop: Caller, tenant: Tenant, shared_engine: Engine) -> None:
    attributes = {**chat(), "user.id": "u-17", "session.id": "s-1", "gen_ai.agent.name": "helper"}
    resource = {"service.name": "helpdesk", "deployment.environment.name": "production"}
    assert send(shop, in_protobuf(Emitted(attributes=attributes, resource=resource))).content == b""
    [found] = rows(
        shared_engine,
        "select user_id, session_id, app, model, provider, latency_ms, metadata from generations"
        " where workspace = :workspace",
        workspace=tenant.workspace,
    )
    assert found[:6] == ("u-17", "s-1", "helpdesk", "gpt-5-mini", "openai", 250.0)
    assert {"agent": "helper", "environment": "production"}.items() <= found[6].items()


def test_a_service_without_a_name_is_the_keys_application(shop: Caller, tenant: Tenant, shared_engine: Engine) -> None:
    send(shop, in_protobuf(Emitted(attributes=chat(), resource={"service.name": "unknown_service:python"})))
    found = rows(shared_engine, "select app from generations where workspace = :workspace", workspace=tenant.workspace)
    assert found == ["shop"]


def test_spans_that_brought_no_text_are_counted_for_the_operator(
    database_url: str, redis_url: str, folder: Path
) -> None:
    engine = engines.connect(database_url, connections=1)
    token = tenant_in(engine).token
    engine.dispose()
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    without_text = {name: value for name, value in chat().items() if not name.endswith("messages")}
    with serving(database_url, redis_url, folder, metrics_port=str(port)) as server, caller(server, token) as shop:
        send(
            shop,
            in_protobuf(called(1), called(1), Emitted(attributes=AGENT), Emitted(attributes=without_text, span_id=C)),
        )
        told = shop.client.get(f"http://127.0.0.1:{port}/metrics").text
    for kind in ("seen_twice", "not_a_generation", "without_text"):
        assert f'aftertag_ignored_spans_total{{kind="{kind}"}} 1.0' in told
