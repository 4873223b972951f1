"""POST /v1/traces: spans of our classifiers' own calls, which a gateway reports back, are never classified."""

import json

import pytest
from sqlalchemy import Engine

from classifier_models import marker
from tests.console.server.conftest import Tenant
from tests.console.server.otlp.samples import Emitted, chat, in_protobuf
from tests.console.server.serving import Caller
from tests.console.server.test_traces import send
from tests.worker.line_stage import mark, rows

A, B = ("aa" * 8, "bb" * 8)


def test_the_classifiers_own_calls_are_recognised(shop: Caller, tenant: Tenant, shared_engine: Engine) -> None:
    said = f"{marker.line(mark(shared_engine))}\nYou place conversations."
    instructions = json.dumps([{"type": "text", "content": said}])
    send(shop, in_protobuf(Emitted(attributes={**chat(), "gen_ai.system_instructions": instructions})))
    found = rows(
        shared_engine, "select reason from classifications where workspace = :workspace", workspace=tenant.workspace
    )
    assert found == ["own_call"]


@pytest.mark.parametrize(
    "said",
    [
        {"user_agent.original": "aftertag-own-call/MARK"},
        {"http.request.header.user-agent": ["aftertag-own-call/MARK"]},
        {"http.request.header.x-aftertag-own-call": ["MARK"]},
        {"http.request.header.x-aftertag-own-call": "MARK"},
        {"metadata.user_agent": "aftertag-own-call/MARK"},  # LiteLLM's tracing
    ],
)
def test_the_classifiers_own_calls_are_recognised_without_their_text_by_header_and_program(
    said: dict[str, object], shop: Caller, tenant: Tenant, shared_engine: Engine
) -> None:
    said = json.loads(json.dumps(said).replace("MARK", mark(shared_engine)))
    usage = {"gen_ai.operation.name": "chat", "gen_ai.usage.input_tokens": 40, "gen_ai.usage.output_tokens": 8}
    send(shop, in_protobuf(Emitted(attributes={**usage, **said}), Emitted(attributes=usage, span_id=B)))
    found = rows(
        shared_engine,
        "select reason from classifications where workspace = :workspace order by reason",
        workspace=tenant.workspace,
    )
    assert found == ["no_classifier", "own_call"]


def test_an_own_call_is_one_also_where_only_the_span_around_it_says_so(
    shop: Caller, tenant: Tenant, shared_engine: Engine
) -> None:
    agent = marker.headers(mark(shared_engine))["User-Agent"]
    outer = Emitted(attributes={**chat(), "user_agent.original": agent}, span_id=A)
    send(shop, in_protobuf(outer, Emitted(attributes=chat(), span_id=B, parent_id=A)))
    found = rows(
        shared_engine, "select reason from classifications where workspace = :workspace", workspace=tenant.workspace
    )
    assert found == ["own_call"]
