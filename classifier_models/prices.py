"""What a call costs where nobody says: its tokens at the model's public price, by genai-prices' list, offline."""

from datetime import UTC, datetime
from decimal import Decimal

from classifier_models import price_list


def estimate(
    model: str,
    provider: str | None,
    *,
    prompt_tokens: int,
    completion_tokens: int,
    cached_tokens: int = 0,
    cache_write_tokens: int = 0,
    at: datetime | None = None,
    is_batch: bool = False,
) -> Decimal | None:
    """Return the price in US dollars, or None when it is not known.

    `prompt_tokens` includes cached and cache-writing tokens; `provider` is a name of genai-prices (None: any that has
    the model); `at` is when the call was made (None: now), `is_batch` that its provider did it in its own time, for less.
    """
    tariff = price_list.find(model, provider)
    if tariff is None:
        return None
    rates = tariff.rates(at or datetime.now(UTC), prompt_tokens=prompt_tokens, is_batch=is_batch)
    if rates is None:
        return None
    cached_tokens = min(cached_tokens, prompt_tokens)
    cache_write_tokens = min(cache_write_tokens, prompt_tokens - cached_tokens)
    return (
        rates.fresh * (prompt_tokens - cached_tokens - cache_write_tokens)
        + rates.cached * cached_tokens
        + rates.cache_write * cache_write_tokens
        + rates.completion * completion_tokens
        + rates.call
    )
