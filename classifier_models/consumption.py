"""What a call used, out of the `usage` that a server reports: nothing in there is trusted to be a number."""

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation

from classifier_models import prices
from classifier_models.reply import CostSource, Usage

TOKENS_CAP = 2**31 - 1
COST_CAP_USD = Decimal(100_000)
NOTHING = Usage()


def of_chat(reported: object, *, model: str, provider: str | None) -> Usage | None:
    """Return what a chat completion used (`prompt_tokens` and so on, `cost`), None when it does not say."""
    if not isinstance(reported, Mapping):
        return None
    return _priced(
        model=model,
        provider=provider,
        prompt=_count(reported, "prompt_tokens"),
        completion=_count(reported, "completion_tokens"),
        cached=_count(reported.get("prompt_tokens_details"), "cached_tokens"),
        cache_write=_count(reported.get("prompt_tokens_details"), "cache_write_tokens"),
        reasoning=_count(reported.get("completion_tokens_details"), "reasoning_tokens"),
        cost_usd=_cost(reported.get("cost")),
    )


def of_messages(reported: object, *, model: str, provider: str | None) -> Usage | None:
    """Return what an Anthropic message used; its `input_tokens` leaves out what came from or went into the cache."""
    if not isinstance(reported, Mapping):
        return None
    cached = _count(reported, "cache_read_input_tokens")
    cache_write = _count(reported, "cache_creation_input_tokens")
    return _priced(
        model=model,
        provider=provider,
        prompt=min(_count(reported, "input_tokens") + cached + cache_write, TOKENS_CAP),
        completion=_count(reported, "output_tokens"),
        cached=cached,
        cache_write=cache_write,
        reasoning=0,
        cost_usd=_cost(reported.get("cost")),
    )


def of_decision(reported: object, *, model: str, provider: str | None) -> Usage | None:
    """Return what a decision used; servers name the tokens either way."""
    if isinstance(reported, Mapping) and "input_tokens" in reported:
        return of_messages(reported, model=model, provider=provider)
    return of_chat(reported, model=model, provider=provider)


def total(parts: list[Usage]) -> Usage | None:
    """Return the sum of several calls' usage; its cost is known only when every part's is."""
    if len(parts) <= 1:
        return parts[0] if parts else None
    costs = [part.cost_usd for part in parts if part.cost_usd is not None]
    sources = {part.cost_source for part in parts}
    return Usage(
        prompt_tokens=sum(part.prompt_tokens for part in parts),
        completion_tokens=sum(part.completion_tokens for part in parts),
        cached_tokens=sum(part.cached_tokens for part in parts),
        reasoning_tokens=sum(part.reasoning_tokens for part in parts),
        cost_usd=sum(costs, Decimal(0)) if len(costs) == len(parts) else None,
        cost_source="unknown" if "unknown" in sources else "estimated" if "estimated" in sources else "reported",
    )


def _priced(
    *,
    model: str,
    provider: str | None,
    prompt: int,
    completion: int,
    cached: int,
    cache_write: int,
    reasoning: int,
    cost_usd: Decimal | None,
) -> Usage:
    source: CostSource = "reported"
    if cost_usd is None:
        source = "estimated"
        cost_usd = prices.estimate(
            model,
            provider,
            prompt_tokens=prompt,
            completion_tokens=completion,
            cached_tokens=cached,
            cache_write_tokens=cache_write,
        )
    return Usage(
        prompt_tokens=prompt,
        completion_tokens=completion,
        cached_tokens=cached,
        reasoning_tokens=reasoning,
        cost_usd=cost_usd,
        cost_source="unknown" if cost_usd is None else source,
    )


def _count(reported: object, name: str) -> int:
    value = reported.get(name) if isinstance(reported, Mapping) else None
    if type(value) is int:
        return min(max(value, 0), TOKENS_CAP)
    if isinstance(value, str | float):
        try:
            return int(min(max(float(value), 0), TOKENS_CAP))  # NaN: ValueError
        except (ValueError, OverflowError):
            return 0
    return 0


def _cost(value: object) -> Decimal | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        cost_usd = Decimal(str(value))
    except (InvalidOperation, ValueError):
        return None
    return cost_usd if cost_usd.is_finite() and 0 <= cost_usd <= COST_CAP_USD else None
