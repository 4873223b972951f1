"""OpenRouter's Broadcast at /v1/traces: its webhook's payload as receivers have seen it, and the test of its connection."""

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import Engine

from classifier_models import marker
from tests.api_hooks.http_server import playing, status
from tests.console.server.conftest import Tenant
from tests.console.server.otlp.samples import Emitted, in_json
from tests.console.server.serving import Caller, Server, caller
from tests.worker.line_stage import mark, rows

EXAMPLE = Path(__file__).parents[2] / "examples" / "openrouter_broadcast.sh"
GENERATION = "gen-1763900000-AbCdEfGhIjKlMnOpQrSt"
PROMPT = {
    "messages": [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": [{"type": "text", "text": "Weather in Paris?"}]},
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [
                {"id": "1", "type": "function", "function": {"name": "weather", "arguments": '{"city":"Paris"}'}}
            ],
            "reasoning_details": [{"type": "reasoning.text", "text": "Look it up."}],
        },
        {"role": "tool", "tool_call_id": "1", "content": "sunny"},
    ]
}
COMPLETION = {
    "completion": "Sunny.",
    "reasoning": "The tool said so.",
    "toolCalls": [],
    "rawRequest": {"tools": [{"type": "function", "function": {"name": "weather", "parameters": {}}}]},
}
ROOT = {
    "span.type": "generation",
    "gen_ai.response.id": GENERATION,
    "gen_ai.provider.name": "anthropic",
    "gen_ai.request.model": "anthropic/claude-sonnet-4.5",
    "gen_ai.response.model": "anthropic/claude-sonnet-4.5-20250929",
    "gen_ai.response.finish_reason": "stop",
    "gen_ai.usage.input_tokens": 400,
    "gen_ai.usage.output_tokens": 30,
    "gen_ai.usage.total_tokens": 430,
    "gen_ai.usage.input_tokens.cached": 100,
    "gen_ai.usage.output_tokens.reasoning": 20,
    "gen_ai.usage.total_cost": 0.0021,
    "user.id": "u-17",
    "session.id": "s-1",
    "trace.name": "checkout",
    "trace.metadata.team": "payments",
    "trace.metadata.openrouter.api_key_name": "production",
    "trace.metadata.openrouter.provider_name": "Anthropic",
    "trace.metadata.openrouter_generation.tokens_prompt": 380,
    "gen_ai.prompt": json.dumps(PROMPT),
    "span.input": json.dumps(PROMPT),
    "gen_ai.completion": json.dumps(COMPLETION),
    "span.output": json.dumps(COMPLETION),
}
ATTEMPT = {"span.type": "span", "gen_ai.response.id": f"{GENERATION}:attempt-0", "gen_ai.provider.name": "anthropic"}
SERVICE = {"service.name": "openrouter", "openrouter.trace.id": "t-1"}


def broadcast(**more: Any) -> bytes:
    """One call as it comes: the root with everything, and two spans below it."""
    return in_json(
        Emitted(name="LLM Generation", span_id="aa" * 8, attributes={**ROOT, **more}, resource=SERVICE),
        Emitted(
            name="generation", span_id="bb" * 8, parent_id="aa" * 8, attributes={"span.type": "span"}, resource=SERVICE
        ),
        Emitted(
            name="provider attempt 1: Anthropic",
            span_id="cc" * 8,
            parent_id="bb" * 8,
            attributes=ATTEMPT,
            resource=SERVICE,
        ),
    )


def test_a_call_is_one_generation_with_text_usage_cost_and_who_made_it(
    shop: Caller, tenant: Tenant, shared_engine: Engine
) -> None:
    for _ in range(2):  # it may come again
        answer = shop.post(broadcast(), "/v1/traces")
        assert (answer.status_code, answer.content) == (200, b"{}")
    [found] = rows(
        shared_engine,
        "select id, model, provider, prompt_tokens, completion_tokens, cached_tokens, reasoning_tokens, cost_usd::float,"
        " finish_reason, user_id, session_id, app, api_key_name from generations where workspace = :workspace",
        workspace=tenant.workspace,
    )
    assert found == (
        *(GENERATION, "anthropic/claude-sonnet-4.5-20250929", "anthropic", 400, 30, 100, 20, 0.0021, "stop"),
        *("u-17", "s-1", "shop", "production"),
    )
    [(turns, tools, metadata)] = rows(
        shared_engine,
        "select t.turns, t.tools, g.metadata from transcripts t join generations g using (workspace)"
        " where workspace = :workspace",
        workspace=tenant.workspace,
    )
    assert [(kind, said) for kind, said, *_ in turns] == [
        ("system", "Be brief."),
        ("user", "Weather in Paris?"),
        ("tool_call", '{"city":"Paris"}'),
        ("tool_result", "sunny"),
        ("assistant", "Sunny."),
    ]
    assert (tools, metadata["team"], metadata["trace_name"]) == (["weather"], "payments", "checkout")


@pytest.mark.skipif(shutil.which("curl") is None and not os.environ.get("CI"), reason="there is no curl here")
def test_the_examples_destination_passes_openrouters_test_and_takes_its_calls(
    server: Server, tenant: Tenant, shared_engine: Engine
) -> None:
    with playing(status(201)) as openrouter:
        environ = {
            **os.environ,
            "OPENROUTER_API": openrouter.url,
            "OPENROUTER_MANAGEMENT_KEY": "sk-or-management",
            "AFTERTAG_SERVER": server.url,
            "AFTERTAG_KEY": tenant.token,
            "no_proxy": "*",
        }
        told = subprocess.run(["sh", EXAMPLE], env=environ, capture_output=True, text=True)
        assert told.returncode == 0, told
    [asked] = openrouter.requests
    assert (asked.path, asked.headers["authorization"]) == (
        "/observability/destinations",
        "Bearer sk-or-management",
    )
    destination = json.loads(asked.body)
    assert destination.keys() == {"type", "name", "config"}
    config = destination["config"]
    assert (destination["type"], config.keys()) == ("webhook", {"url", "method", "headers"})
    headers = {**config["headers"], "Content-Type": "application/json"}
    probe = httpx.request(
        config["method"],
        config["url"],
        headers={**headers, "X-Test-Connection": "true"},
        content=b'{"resourceSpans": []}',
        trust_env=False,
    )
    assert probe.status_code == 200
    assert httpx.request(
        config["method"], config["url"], headers=headers, content=broadcast(), trust_env=False
    ).is_success
    found = rows(shared_engine, "select id, app from generations where workspace = :w", w=tenant.workspace)
    assert found == [(GENERATION, "shop")]


def test_the_classifiers_own_calls_through_the_gateway_are_recognised(
    shop: Caller, tenant: Tenant, shared_engine: Engine
) -> None:
    asked = {"messages": [{"role": "system", "content": f"{marker.line(mark(shared_engine))}\nYou place."}]}
    shop.post(broadcast(**{"gen_ai.prompt": json.dumps(asked)}), "/v1/traces")
    found = rows(
        shared_engine, "select reason from classifications where workspace = :workspace", workspace=tenant.workspace
    )
    assert found == ["own_call"]


def in_privacy_mode(**more: Any) -> bytes:
    """The root without what was said; the metadata of the request's `trace` stays, as Broadcast's page has it."""
    text = ("gen_ai.prompt", "gen_ai.completion", "span.input", "span.output")
    attributes = {name: value for name, value in ROOT.items() if name not in text}
    return in_json(Emitted(name="LLM Generation", attributes={**attributes, **more}, resource=SERVICE))


def test_the_classifiers_own_calls_are_recognised_in_privacy_mode_by_their_trace(
    shop: Caller, tenant: Tenant, shared_engine: Engine
) -> None:
    said = {f"trace.metadata.{name}": value for name, value in marker.trace(mark(shared_engine)).items()}
    others = {f"trace.metadata.a{number}": "x" for number in range(200)}  # more than are kept
    shop.post(in_privacy_mode(**others, **said), "/v1/traces")
    found = rows(
        shared_engine, "select reason from classifications where workspace = :workspace", workspace=tenant.workspace
    )
    assert found == ["own_call"]


def test_privacy_mode_still_counts_usage_and_cost(shop: Caller, tenant: Tenant, shared_engine: Engine) -> None:
    assert shop.post(in_privacy_mode(), "/v1/traces").content == b"{}"
    found = rows(
        shared_engine,
        "select prompt_tokens, cost_usd::float from generations where workspace = :workspace",
        workspace=tenant.workspace,
    )
    assert found == [(400, 0.0021)]


def test_a_body_over_a_megabyte_is_taken(shop: Caller, tenant: Tenant, shared_engine: Engine) -> None:
    long = json.dumps(
        {"messages": [{"role": "user", "content": f"{number} " + "so " * 2_000} for number in range(300)]}
    )
    body = broadcast(**{"gen_ai.prompt": long, "span.input": long})
    assert len(body) > 3_000_000
    assert shop.post(body, "/v1/traces").content == b"{}"
    [(kept, left_out)] = rows(
        shared_engine,
        "select jsonb_array_length(t.turns), t.left_out from transcripts t where workspace = :workspace",
        workspace=tenant.workspace,
    )
    assert kept + left_out == 301


def test_the_test_of_its_connection_succeeds_with_a_key_and_only_then(server: Server, shop: Caller) -> None:
    with caller(server, None) as nobody:
        for body in (b"{}", b'{"resourceSpans": []}', b""):
            assert shop.post(body, "/v1/traces", X_Test_Connection="true").status_code == 200
            assert nobody.post(body, "/v1/traces", X_Test_Connection="true").status_code == 401
