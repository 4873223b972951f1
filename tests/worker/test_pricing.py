"""What a generation cost where nobody says: the public price of its day, and nothing where that is a guess."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import genai_prices
import pytest

from worker import pricing
from worker.generation import Generation

AT = datetime(2026, 11, 20, 12, tzinfo=UTC)


def generation(model: str | None = "gpt-4o", provider: str | None = "openai", **fields: Any) -> Generation:
    usage = fields.pop("usage", {"prompt": 900, "completion": 120})
    return Generation(id="1", workspace="acme", created_at=AT, model=model, provider=provider, usage=usage, **fields)


def said(model: str, provider: str, prompt: int, completion: int, cached: int = 0) -> Decimal:
    usage = genai_prices.Usage(input_tokens=prompt, output_tokens=completion, cache_read_tokens=cached)
    return genai_prices.calc_price(usage, model, provider_id=provider, genai_request_timestamp=AT).total_price


@pytest.mark.parametrize(
    ("model", "provider", "listed"),
    [
        ("gpt-4o", "openai", ("gpt-4o", "openai")),
        ("gpt-5-mini-2025-08-07", "openai.responses", ("gpt-5-mini", "openai")),
        ("GPT-4o", " OpenAI ", ("gpt-4o", "openai")),
        ("claude-haiku-4-5-20251001", "anthropic", ("claude-haiku-4-5", "anthropic")),
        ("us.anthropic.claude-sonnet-4-5-20250929-v1:0", "aws.bedrock", None),
        ("claude-sonnet-4-5@20250929", "vertex_ai", ("claude-sonnet-4-5", "anthropic")),
        ("models/gemini-2.5-flash", "google_genai", ("gemini-2.5-flash", "google")),
        ("gemini-2.5-pro", "gcp.vertex_ai", ("gemini-2.5-pro", "google")),
        ("gpt-4o-2024-08-06", "azure.ai.openai", ("gpt-4o", "openai")),
        ("openai/gpt-5-mini", "openrouter", ("openai/gpt-5-mini", "openrouter")),
        ("mistral-large-latest", "mistral_ai", ("mistral-large", "mistral")),
        ("grok-4", "x_ai", ("grok-4", "x-ai")),
        (
            "meta-llama/Llama-3.3-70B-Instruct-Turbo",
            "together_ai",
            ("meta-llama/Llama-3.3-70B-Instruct-Turbo", "together"),
        ),
        ("gpt-4o", None, ("gpt-4o", "openai")),
        ("o3", None, ("o3", "openai")),
        ("ft:gpt-4o-mini-2024-07-18:acme::x", None, ("ft:gpt-4o-mini-2024-07-18:acme::x", "openai")),
        ("claude-haiku-4-5", "", ("claude-haiku-4-5", "anthropic")),
        ("gemini-2.5-flash", None, ("gemini-2.5-flash", "google")),
    ],
)
def test_an_estimate_is_the_public_price_of_who_served_the_model(
    model: str, provider: str | None, listed: tuple[str, str] | None
) -> None:
    whose = listed or (model, "aws")
    usage = {"prompt": 900, "completion": 120, "cached": 700}
    assert pricing.estimated_usd(generation(model, provider)) == said(*whose, 900, 120)
    assert pricing.estimated_usd(generation(model, provider, usage=usage)) == said(*whose, 900, 120, 700)


@pytest.mark.parametrize(
    ("model", "provider"),
    [
        ("gpt-4o", "ollama"),
        ("gpt-4o", "vllm"),
        ("gpt-4o", "hosted_vllm"),
        ("gpt-4o", "custom_openai"),
        ("gpt-4o", "openai_like"),
        ("gpt-4o", "lm_studio"),
        ("gpt-4o", "localhost"),
        ("gpt-4o", "local"),
        ("gpt-4o", "huggingface"),
        ("claude-haiku-4-5", "github_copilot"),
        ("gpt-oss-20b", "openai"),
        ("gpt-oss-20b", None),
        ("llama3.1:8b", None),
        ("mistral-small", None),
        ("deepseek-chat", None),
        ("grok-1", None),
        ("o3de", None),
        ("llama3.1:8b", "openai"),
        ("claude-haiku-4-5", "openai"),
        ("gpt-4o-audio-preview", "openai"),
        ("gemini-2.5-flash-image", "google"),
        ("whisper-1", "openai"),
        ("gpt-77", "openai"),
        ("", "openai"),
        (None, "openai"),
        (" ", None),
    ],
)
def test_what_may_be_somebodys_own_machine_or_has_no_price_costs_nobody_knows_what(
    model: str | None, provider: str | None
) -> None:
    assert pricing.estimated_usd(generation(model, provider)) is None


@pytest.mark.parametrize(
    "usage",
    [
        {},
        {"prompt": 900},
        {"completion": 120},
        {"prompt": 0, "completion": 0},
        {"prompt": 10**12, "completion": 1},
        {"prompt": 1, "completion": 10**12},
    ],
)
def test_half_of_a_count_and_an_absurd_one_are_no_cost(usage: dict[str, int]) -> None:
    assert pricing.estimated_usd(generation(usage=usage)) is None


def test_more_cached_tokens_than_tokens_are_no_discount() -> None:
    found = pricing.estimated_usd(generation(usage={"prompt": 10, "completion": 0, "cached": 10**12}))
    assert found == said("gpt-4o", "openai", 10, 0, 10)


def test_a_reported_cost_is_not_estimated() -> None:
    assert pricing.estimated_usd(generation(cost_usd="0")) is None


def test_a_call_of_a_batch_costs_its_price() -> None:
    batch = generation("gpt-5-mini", metadata={"batch_request_id": "batch_req_1"})
    assert pricing.estimated_usd(batch) == said("gpt-5-mini", "openai", 900, 120) / 2


@pytest.mark.parametrize(
    "name", ["x" * 512, "\ufffd" * 300, "../../etc", "%s" * 99, "gpt-" + "4" * 500, "'; drop table", "ﷺ"]
)
@pytest.mark.parametrize("year", [1, 1970, 9999])
def test_a_hostile_name_and_a_far_day_never_raise(name: str, year: int) -> None:
    at = datetime(year, 1, 1, tzinfo=UTC)
    for model, provider in ((name, "openai"), ("gpt-4o", name), (name, name), (name, None), (name, "azure")):
        one = generation(model, provider).model_copy(update={"created_at": at})
        assert pricing.estimated_usd(one) is None
    assert pricing.estimated_usd(generation().model_copy(update={"created_at": at})) is not None
