"""What a generation cost where nobody reports it: its tokens at the model's public price, offline; recording asks it."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal

from classifier_models import prices
from worker.generation import Generation
from worker.price_names import listed
from worker.store.completing import Unreported

TOKENS_AT_MOST = 10**8
"""More in one call is a mistake, or somebody's joke at the expense of a sum."""

_OF_A_BATCH = "batch_request_id"
_PICODOLLAR = Decimal("1e-12")


def estimated_usd(one: Generation) -> Decimal | None:
    """Return the estimate in US dollars, at the price of its day; None where its cost is reported or cannot be told."""
    if one.cost_usd is not None:
        return None
    used = one.usage
    return _usd(one.model, one.provider, used.prompt, used.completion, used.cached, one.created_at, one.metadata)


def usd_of_completed(one: Unreported) -> Decimal | None:
    """Return the estimate of a record that several reports have made up."""
    _, _, created_at = one.key
    tokens = (one.prompt_tokens, one.completion_tokens, one.cached_tokens)
    return _usd(one.model, one.provider, *tokens, created_at, one.metadata)


def _usd(
    model: str | None,
    provider: str | None,
    prompt_tokens: int | None,
    completion_tokens: int | None,
    cached_tokens: int | None,
    created_at: datetime,
    metadata: Mapping[str, str],
) -> Decimal | None:
    """Both counts of tokens have to be known: half of a sum is no cost. That of the prompt includes what was cached."""
    if not model or not prompt_tokens or completion_tokens is None:
        return None
    if prompt_tokens > TOKENS_AT_MOST or completion_tokens > TOKENS_AT_MOST:
        return None
    named = listed(model, provider)
    if named is None:
        return None
    cost_usd = prices.estimate(
        *named,
        prompt_tokens=prompt_tokens,
        completion_tokens=completion_tokens,
        cached_tokens=cached_tokens or 0,
        at=created_at,
        is_batch=_OF_A_BATCH in metadata,
    )
    return None if cost_usd is None else cost_usd.quantize(_PICODOLLAR)
