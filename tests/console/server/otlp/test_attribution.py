"""Who a span's generation belongs to, what it used, when it was made; and how much of the rest is kept."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.console.server.otlp.samples import SPAN, TRACE, Emitted, chat, found_in, generation_of

UNNAMED = {name: value for name, value in chat().items() if name != "gen_ai.provider.name"}


def given_by(resource: dict[str, Any] | None = None, **attributes: Any) -> dict[str, Any]:
    """What becomes of a chat with these attributes."""
    return generation_of(Emitted(attributes=chat() | attributes, resource=resource or {}))


@pytest.mark.parametrize("name", ["user.id", "enduser.id", "langfuse.user.id", "gen_ai.user", "llm.user"])
def test_a_user_is_found_under_each_of_its_names(name: str) -> None:
    assert generation_of(Emitted(attributes=chat() | {name: "u-17"}))["user"] == "u-17"


@pytest.mark.parametrize("name", ["session.id", "gen_ai.conversation.id", "langfuse.session.id"])
def test_a_session_is_found_under_each_of_its_names(name: str) -> None:
    assert generation_of(Emitted(attributes=chat() | {name: "s-1"}))["session_id"] == "s-1"


def test_a_resource_names_user_and_session_where_the_span_does_not() -> None:
    resource = {"user.id": "whose-desktop", "session.id": "of-the-desktop"}
    found = given_by(resource)
    assert (found["user"], found["session_id"]) == ("whose-desktop", "of-the-desktop")
    found = given_by(resource, **{"user.id": "u-17", "session.id": "s-1"})
    assert (found["user"], found["session_id"]) == ("u-17", "s-1")


def test_an_application_is_its_title_at_a_gateway_else_its_service_unless_that_has_no_name() -> None:
    shop = {"service.name": "shop"}
    assert given_by(shop)["app"] == "shop"
    assert given_by(shop, **{"http.request.header.x-title": "My shop"})["app"] == "My shop"
    assert (
        given_by(shop, **{"http.request.header.http-referer": "https://shop.example"})["app"] == "https://shop.example"
    )
    assert given_by({"service.name": "unknown_service:node"})["app"] is None
    assert given_by({"service.name": "openrouter"})["app"] is None


def test_what_the_application_says_of_a_call_is_its_metadata_and_what_a_framework_says_of_its_steps_is_not() -> None:
    said = {
        "metadata": json.dumps({"team": "payments", "langgraph_step": 3, "ls_provider": "openai"}),
        "traceloop.association.properties.tenant": "t-1",
        "traceloop.association.properties.langgraph_node": "model",
        "langfuse.trace.metadata.release": "7",
        "ai.telemetry.metadata.feature": "search",
        "trace.metadata.openrouter_generation.id": 1,
        "error.type": "timeout",
        "server.address": "api.openai.com",
    }
    resource = {"deployment.environment.name": "production", "service.version": "1.2", "host.name": "h-1"}
    assert given_by(resource, **said)["metadata"] == {
        "team": "payments",
        "tenant": "t-1",
        "release": "7",
        "feature": "search",
        "error_type": "timeout",
        "environment": "production",
        "version": "1.2",
        "trace_id": TRACE,
        "span_id": SPAN,
    }


def test_of_much_metadata_sixty_four_are_kept() -> None:
    many = {f"trace.metadata.key-{number}": "x" * 1_000 for number in range(5_000)}
    kept = given_by(**many)["metadata"]
    assert (len(kept), {len(value) for value in kept.values()}) == (64, {512})


@pytest.mark.parametrize(
    ("names", "usage"),
    [
        ({"gen_ai.usage.input_tokens": 40, "gen_ai.usage.output_tokens": 8}, {"prompt": 40, "completion": 8}),
        ({"gen_ai.usage.prompt_tokens": "40", "gen_ai.usage.completion_tokens": "8"}, {"prompt": 40, "completion": 8}),
        ({"llm.token_count.prompt": 40, "llm.token_count.prompt_details.cache_read": 30}, {"prompt": 40, "cached": 30}),
        (
            {
                "gen_ai.usage.input_tokens": 40,
                "gen_ai.usage.cache_read.input_tokens": 30,
                "gen_ai.usage.reasoning_tokens": 3,
            },
            {"prompt": 40, "cached": 30, "reasoning": 3},
        ),
        # one that counts what a cache gave and took apart, as the provider's own account does
        (
            {
                "gen_ai.usage.input_tokens": 4,
                "gen_ai.usage.cache_read.input_tokens": 30,
                "gen_ai.usage.cache_write.input_tokens": 6,
            },
            {"prompt": 40, "cached": 30},
        ),
        ({"ai.usage.inputTokens": 40, "ai.usage.cachedInputTokens": 30}, {"prompt": 40, "cached": 30}),
        (
            {
                "langfuse.observation.usage_details": json.dumps(
                    {"input": 10, "input_cache_read": 30, "output": 8, "total": 48}
                )
            },
            {"prompt": 40, "completion": 8, "cached": 30},
        ),
        (
            {
                "gen_ai.usage.input_tokens": 40,
                "gen_ai.usage.raw": json.dumps(
                    {"prompt_tokens": 1, "completion_tokens_details": {"reasoning_tokens": 3}}
                ),
            },
            {"prompt": 40, "reasoning": 3},
        ),
        ({"gen_ai.usage.input_tokens": -1, "gen_ai.usage.output_tokens": "many"}, {}),
    ],
)
def test_tokens_are_read_under_each_conventions_names(names: dict[str, Any], usage: dict[str, int]) -> None:
    assert generation_of(Emitted(attributes={"gen_ai.operation.name": "chat", **names}))["usage"] == usage


@pytest.mark.parametrize(
    ("names", "cost"),
    [
        ({"gen_ai.usage.total_cost": 0.5, "gen_ai.usage.input_cost": 0.1}, 0.5),
        ({"gen_ai.usage.total_cost": "0.5"}, 0.5),
        ({"gen_ai.usage.input_cost": 0.25, "gen_ai.usage.output_cost": 0.5}, 0.75),
        ({"llm.cost.prompt": 0.25}, None),
        ({"langfuse.observation.cost_details": '{"input": 0.1, "total": 0.5}'}, 0.5),
        ({"operation.cost": -1.0}, None),
        ({"gen_ai.usage.total_cost": "free"}, None),
    ],
)
def test_cost_is_read_whole_or_as_the_sum_of_its_parts(names: dict[str, Any], cost: float | None) -> None:
    assert generation_of(Emitted(attributes=chat() | names))["cost_usd"] == cost


def test_a_call_is_dated_by_its_start_and_lasts_until_its_end() -> None:
    start = datetime(2026, 11, 20, 12, 30, 1, 250_000, tzinfo=UTC)
    emitted = Emitted(attributes=chat(), start_ns=int(start.timestamp() * 1_000) * 1_000_000, milliseconds=1_500)
    found = generation_of(emitted)
    assert (found["created_at"], found["latency_ms"]) == ("2026-11-20T12:30:01.250000+00:00", 1500)
    backwards = Emitted(attributes=chat(), start_ns=10**18, milliseconds=-1)
    assert generation_of(backwards)["latency_ms"] is None


@pytest.mark.parametrize("given", ["chatcmpl-123", "msg_1", "1", "", None])
def test_a_responses_id_that_tells_no_calls_apart_gives_way_to_the_spans_own(given: str | None) -> None:
    named = {} if given is None else {"gen_ai.response.id": given}
    assert generation_of(Emitted(attributes=chat() | named))["id"] == f"otlp-{TRACE}-{SPAN}"


@pytest.mark.parametrize(
    ("attributes", "failed", "reason"),
    [
        ({"gen_ai.response.finish_reasons": ["length", "stop"]}, False, "length"),
        ({"gen_ai.response.finish_reasons": '["stop"]'}, False, "stop"),
        ({"gen_ai.response.finish_reason": "stop"}, False, "stop"),
        ({"gen_ai.response.finish_reasons": ["stop"]}, True, "error"),
        ({"langfuse.observation.level": "ERROR"}, False, "error"),
        ({}, False, None),
    ],
)
def test_how_a_call_ended(attributes: dict[str, Any], failed: bool, reason: str | None) -> None:
    assert generation_of(Emitted(attributes=chat() | attributes, failed=failed))["finish_reason"] == reason


def test_the_answering_model_is_named_before_the_asked_one() -> None:
    named = {"gen_ai.request.model": "gpt-5-mini", "gen_ai.response.model": "gpt-5-mini-2025-08-07"}
    assert generation_of(Emitted(attributes=chat() | named))["model"] == "gpt-5-mini-2025-08-07"
    [failed] = found_in(
        Emitted(
            attributes={"openinference.span.kind": "LLM", "llm.invocation_parameters": '{"model": "m", "user": "u-17"}'}
        )
    ).documents
    assert (failed["model"], failed["user"]) == ("m", "u-17")


@pytest.mark.parametrize(
    ("names", "provider"),
    [
        ({"gen_ai.system": "openai"}, "openai"),
        ({"gen_ai.provider.name": "openai", "server.address": "api.openai.com"}, "openai"),
        ({"gen_ai.provider.name": "openai", "server.address": "openrouter.ai"}, "openrouter"),
        ({"gen_ai.provider.name": "openai", "server.address": "llm.acme.com"}, "openai"),
        ({"gen_ai.provider.name": "openai", "server.address": "localhost"}, "localhost"),
        ({"gen_ai.provider.name": "anthropic", "server.address": "10.0.0.7"}, "10.0.0.7"),
        ({"gen_ai.provider.name": "aws.bedrock", "server.address": "vpc.internal"}, "aws.bedrock"),
        ({"gen_ai.system": "openai", "gen_ai.openai.api_base": "http://me:secret@vllm:8000/v1/"}, "vllm"),
        ({"gen_ai.system": "openai", "gen_ai.openai.api_base": "http://[::1]:8000/v1"}, "::1"),
        ({"gen_ai.system": "openai", "gen_ai.openai.api_base": "https://acme.openai.azure.com/openai/"}, "azure"),
        ({"gen_ai.system": "openai", "server.address": "]["}, "]["),
        ({"gen_ai.system": "openai", "server.address": "://"}, "openai"),
        ({"gen_ai.system": "openai", "server.address": "x." * 10**6}, "openai"),
        ({"server.address": "localhost"}, None),
    ],
)
def test_who_served_a_call_is_told_by_its_address_where_its_api_is_many_others_too(
    names: dict[str, Any], provider: str | None
) -> None:
    assert generation_of(Emitted(attributes=UNNAMED | names))["provider"] == provider
