"""What a call costs where its provider does not say: genai-prices, offline, asked once per model.

Asking genai-prices for every call costs 32 to 92 µs; where a model's price is one rate per kind of token (nearly
always) the rates are kept instead, 3 µs.
"""

from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache

import genai_prices
from genai_prices import data_snapshot
from genai_prices.types import ModelPrice

MILLION = Decimal(1_000_000)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rates:
    """US dollars per token of each kind."""

    fresh: Decimal
    cached: Decimal
    cache_write: Decimal
    completion: Decimal


def estimate(
    model: str,
    provider: str | None,
    *,
    prompt_tokens: int,
    completion_tokens: int,
    cached_tokens: int = 0,
    cache_write_tokens: int = 0,
) -> Decimal | None:
    """Return the price in US dollars, or None when it is not known.

    `prompt_tokens` includes cached and cache-writing tokens; `provider` is a name of genai-prices (None: any that has
    the model).
    """
    cached_tokens = min(cached_tokens, prompt_tokens)
    cache_write_tokens = min(cache_write_tokens, prompt_tokens - cached_tokens)
    rates = _rates(model, provider)
    if rates is None:
        return _priced_whole(model, provider, prompt_tokens, completion_tokens, cached_tokens, cache_write_tokens)
    return (
        rates.fresh * (prompt_tokens - cached_tokens - cache_write_tokens)
        + rates.cached * cached_tokens
        + rates.cache_write * cache_write_tokens
        + rates.completion * completion_tokens
    )


@lru_cache(maxsize=1024)
def _is_known(model: str, provider: str | None) -> bool:
    return _priced(model, provider, 1, 1, 0, 0) is not None


def _priced_whole(model: str, provider: str | None, *tokens: int) -> Decimal | None:
    return _priced(model, provider, *tokens) if _is_known(model, provider) else None


@lru_cache(maxsize=1024)
def _rates(model: str, provider: str | None) -> Rates | None:
    """Return the model's rates, None when it has none or when they depend on the size or the hour of a call."""
    if not _is_known(model, provider) or not _is_linear(model, provider):
        return None
    million = int(MILLION)
    fresh, cached, cache_write, completion = (
        _priced(model, provider, *tokens) or Decimal(0)
        for tokens in (
            (million, 0, 0, 0),
            (million, 0, million, 0),
            (million, 0, 0, million),
            (0, million, 0, 0),
        )
    )
    return Rates(
        fresh=fresh / MILLION,
        cached=cached / MILLION,
        cache_write=cache_write / MILLION,
        completion=completion / MILLION,
    )


def _is_linear(model: str, provider: str | None) -> bool:
    try:
        _, found = data_snapshot.get_snapshot().find_provider_model(model, None, provider, None)
    except LookupError:
        return False
    if not isinstance(found.prices, ModelPrice):
        return False
    return all(
        price is None or (isinstance(price, Decimal) and name != "requests_kcount")
        for name, price in vars(found.prices).items()
    )


def _priced(
    model: str, provider: str | None, prompt: int, completion: int, cached: int, cache_write: int
) -> Decimal | None:
    usage = genai_prices.Usage(
        input_tokens=prompt, output_tokens=completion, cache_read_tokens=cached, cache_write_tokens=cache_write
    )
    try:
        return genai_prices.calc_price(usage, model, provider_id=provider).total_price
    except (LookupError, ValueError):  # ValueError: a price that needs a number we do not have
        return None
