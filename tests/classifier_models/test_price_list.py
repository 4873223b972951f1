"""Models are found in genai-prices' list as it finds them itself, but in bounded time and memory."""

import random
import string
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import genai_prices
import pytest
from genai_prices import data_snapshot
from genai_prices.types import ClauseAnd, ClauseOr, ClauseRegex, MatchLogic, ModelInfo, ModelPrice, Provider

from classifier_models import price_list, prices
from tests.cpu import least_seconds

AT = datetime(2026, 11, 20, 12, tzinfo=UTC)
PROVIDERS = data_snapshot.get_snapshot().providers
BESIDE_TEXT = (
    "output_audio",
    "output_image",
    "output_video",
    "hours",
    "pages",
    "mchars",
    "messages",
    "reasoning",
    "citation",
)


def literals(match: MatchLogic) -> Iterator[str]:
    """What names may consist of, out of the list's own forms of them."""
    if isinstance(match, ClauseOr | ClauseAnd):
        for one in match.or_ if isinstance(match, ClauseOr) else match.and_:
            yield from literals(one)
    elif not isinstance(match, ClauseRegex):
        yield next(iter(vars(match).values()))


def names(provider: Provider) -> list[str]:
    found = {model.id for model in provider.models} | {each for one in provider.models for each in literals(one.match)}
    some = sorted(found)[::7]
    return [*found, *(f"{one}-20260203" for one in some), *(f"eu.{one.upper()}-v1" for one in some), "", "-", "é"]


def told(model: ModelInfo | None) -> int | None:
    return None if model is None else id(model)


@pytest.mark.parametrize("provider", PROVIDERS, ids=lambda one: one.id)
def test_a_name_means_the_model_that_genai_prices_takes_it_for(provider: Provider) -> None:
    found = {
        name: told(tariff and tariff.model)
        for name in names(provider)
        for tariff in [price_list.find(name, provider.id)]
    }
    assert found == {name: told(provider.find_model(name, all_providers=PROVIDERS)) for name in found}


@pytest.mark.parametrize("tokens", [(900, 0, 0, 120), (300_001, 100_000, 50_000, 7), (1, 1, 0, 0), (200_000, 0, 0, 1)])
def test_every_model_of_text_costs_what_genai_prices_says(tokens: tuple[int, int, int, int]) -> None:
    prompt, cached, written, completion = tokens
    usage = genai_prices.Usage(
        input_tokens=prompt, cache_read_tokens=cached, cache_write_tokens=written, output_tokens=completion
    )
    compared = 0
    for provider in PROVIDERS:
        for model in provider.models:
            tariff = price_list.find(model.id, provider.id)
            if tariff is None or tariff.model is not model:
                continue  # another model is before it under that name
            for at in (AT, AT - timedelta(days=900), AT + timedelta(hours=8)):
                estimated = prices.estimate(
                    model.id,
                    provider.id,
                    prompt_tokens=prompt,
                    cached_tokens=cached,
                    cache_write_tokens=written,
                    completion_tokens=completion,
                    at=at,
                )
                if estimated is None:
                    assert depends_on_more_than_tokens(model.get_prices(at)), (provider.id, model.id)
                    continue
                said = model.calc_price(usage, provider, genai_request_timestamp=at).total_price
                assert abs(estimated - said) < Decimal("1e-20"), (provider.id, model.id, at)
                compared += 1
    assert compared > 6_000


def depends_on_more_than_tokens(price: ModelPrice) -> bool:
    kinds = {name for name, value in vars(price).items() if value is not None}
    return not kinds & {"input_mtok", "output_mtok"} or any(part in kind for kind in kinds for part in BESIDE_TEXT)


def test_a_price_holds_from_its_day_on() -> None:
    def at(day: int) -> Decimal | None:
        moment = datetime(2026, 11, day, tzinfo=UTC)
        return prices.estimate("o3", "openai", prompt_tokens=10**6, completion_tokens=0, at=moment)

    before = datetime(2025, 1, 1, tzinfo=UTC)
    assert prices.estimate("o3", "openai", prompt_tokens=10**6, completion_tokens=0, at=before) == 10
    assert at(1) == at(20) == 2


def test_a_batch_costs_its_own_price_and_none_where_the_list_has_none() -> None:
    def price(at: datetime, model: str = "gpt-5-mini", provider: str = "openai") -> Decimal | None:
        return prices.estimate(model, provider, prompt_tokens=10**6, completion_tokens=10**6, at=at, is_batch=True)

    assert price(AT) == Decimal("1.125")
    assert prices.estimate("gpt-5-mini", "openai", prompt_tokens=10**6, completion_tokens=10**6, at=AT) == Decimal(
        "2.25"
    )
    assert price(AT - timedelta(days=400)) is None
    assert price(AT, "llama-3.3-70b-instruct", "novita") is None


def test_junk_of_any_kind_costs_nothing_and_is_not_kept() -> None:
    rest, misses = random.Random(7), data_snapshot.get_snapshot()._provider_misses.copy()
    junk = ["".join(rest.choices(string.printable, k=60)) for _ in range(price_list.NAMES_KEPT + 1_000)]
    for provider in ("openai", "google", "aws", "openrouter", None):
        for name in junk:
            assert price_list.find(name, provider) is None
    assert price_list._find.cache_info().currsize <= price_list.NAMES_KEPT
    assert data_snapshot.get_snapshot()._provider_misses == misses  # where genai-prices would keep them for ever
    kept = price_list._find.cache_info()
    assert price_list.find("gpt-4o" * 1_000, "openai") is None
    assert price_list._find.cache_info() == kept


def test_a_name_of_junk_takes_less_time_than_genai_prices_takes_for_it() -> None:
    rest = random.Random(8)
    junk = ["".join(rest.choices(string.ascii_letters, k=60)) for _ in range(100)]

    def ours() -> None:
        for name in junk:
            assert price_list._find.__wrapped__(name.lower(), "openrouter") is None

    def theirs() -> None:
        openrouter = next(one for one in PROVIDERS if one.id == "openrouter")
        for name in junk:
            assert openrouter.find_model(name) is None

    assert 3 * least_seconds(ours) < least_seconds(theirs)
