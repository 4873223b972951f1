"""What a call costs: as reported, else estimated, else unknown."""

from decimal import Decimal
from typing import Any

import genai_prices
import pytest

from classifier_models import consumption, prices
from classifier_models.reply import Usage
from tests.classifier_models.conftest import Ask, EndpointOf


def price(model: str, provider: str | None, prompt: int, cached: int, written: int, completion: int) -> Decimal:
    usage = genai_prices.Usage(
        input_tokens=prompt, cache_read_tokens=cached, cache_write_tokens=written, output_tokens=completion
    )
    return genai_prices.calc_price(usage, model, provider_id=provider).total_price


@pytest.mark.parametrize(
    ("model", "provider"),
    [
        ("openai/gpt-5-mini", "openrouter"),
        ("gpt-4o-mini", "openai"),
        ("claude-haiku-4-5", "anthropic"),
        ("gemini-2.5-pro", "google"),
        ("claude-sonnet-4-5", None),
        ("deepseek-chat", "deepseek"),
    ],
)
@pytest.mark.parametrize("tokens", [(1500, 500, 0, 30), (300_000, 1000, 200, 5000), (0, 0, 0, 0), (10, 0, 10, 1)])
def test_an_estimate_is_what_genai_prices_says(
    model: str, provider: str | None, tokens: tuple[int, int, int, int]
) -> None:
    prompt, cached, written, completion = tokens
    estimated = prices.estimate(
        model,
        provider,
        prompt_tokens=prompt,
        cached_tokens=cached,
        cache_write_tokens=written,
        completion_tokens=completion,
    )
    assert estimated == price(model, provider, prompt, cached, written, completion)


@pytest.mark.parametrize(("model", "provider"), [("qwen3:8b", None), ("gpt-4o-mini", "ollama"), ("", "openai")])
def test_an_unknown_price_is_none(model: str, provider: str | None) -> None:
    assert prices.estimate(model, provider, prompt_tokens=10, completion_tokens=10) is None


def test_more_cached_tokens_than_tokens_are_no_discount() -> None:
    estimated = prices.estimate("gpt-4o-mini", "openai", prompt_tokens=10, cached_tokens=10**6, completion_tokens=0)
    assert estimated == price("gpt-4o-mini", "openai", 10, 10, 0, 0)


def test_a_reported_cost_is_believed(ask: Ask) -> None:
    usage = ask("USER: play: cost").usage
    assert usage is not None
    assert (usage.cost_usd, usage.cost_source) == (Decimal("0.000125"), "reported")


def test_an_unreported_cost_of_a_known_model_is_estimated() -> None:
    usage = consumption.of_chat({"prompt_tokens": 1000}, model="gpt-4o-mini", provider="openai")
    assert usage is not None
    assert (usage.cost_usd, usage.cost_source) == (Decimal("0.00015"), "estimated")


def test_an_unreported_cost_of_an_unknown_model_is_unknown(ask: Ask, endpoint_of: EndpointOf) -> None:
    usage = ask("USER: play: no_cost", endpoint=endpoint_of("gateway")).usage
    assert usage is not None
    assert (usage.cost_usd, usage.cost_source) == (None, "unknown")


@pytest.mark.parametrize("cost", ["much", "NaN", "-1", float("inf"), 10**30, True, [], {}, None])
def test_a_cost_that_is_no_amount_is_not_believed(cost: Any) -> None:
    usage = consumption.of_chat({"cost": cost, "prompt_tokens": 1}, model="x", provider="openai")
    assert usage == Usage(prompt_tokens=1)


@pytest.mark.parametrize(
    ("count", "tokens"),
    [
        ("12", 12),
        (12.0, 12),
        (-1, 0),
        (True, 0),
        ("many", 0),
        (float("nan"), 0),
        (10**30, 2**31 - 1),
        (None, 0),
        ([], 0),
    ],
)
def test_a_count_is_a_number_or_nothing(count: Any, tokens: int) -> None:
    usage = consumption.of_chat({"prompt_tokens": count}, model="x", provider=None)
    assert usage == Usage(prompt_tokens=tokens)


def test_anthropics_counts_are_added_up() -> None:
    reported = {
        "input_tokens": 10,
        "cache_read_input_tokens": 100,
        "cache_creation_input_tokens": 1000,
        "output_tokens": 5,
    }
    usage = consumption.of_messages(reported, model="claude-haiku-4-5", provider="anthropic")
    assert usage is not None
    assert (usage.prompt_tokens, usage.cached_tokens, usage.completion_tokens) == (1110, 100, 5)
    assert usage.cost_usd == price("claude-haiku-4-5", "anthropic", 1110, 100, 1000, 5)


def test_the_cost_of_several_calls_is_known_only_when_each_is() -> None:
    known = Usage(prompt_tokens=1, cost_usd=Decimal(1), cost_source="reported")
    assert consumption.total([known, known]) == Usage(prompt_tokens=2, cost_usd=Decimal(2), cost_source="reported")
    assert consumption.total([known, Usage(prompt_tokens=1)]) == Usage(prompt_tokens=2)
    assert consumption.total([]) is None
