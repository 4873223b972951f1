"""What a call used and cost, under any convention's names."""

from collections.abc import Mapping
from typing import Any

from api_hooks import wire
from console.server.otlp.reading import as_object, first
from console.server.otlp.spans import Attributes

_PROMPT = (
    "gen_ai.usage.input_tokens",
    "gen_ai.usage.prompt_tokens",
    "llm.token_count.prompt",
    "llm.usage.prompt_tokens",
    "ai.usage.inputTokens",
    "ai.usage.promptTokens",
)
_COMPLETION = (
    "gen_ai.usage.output_tokens",
    "gen_ai.usage.completion_tokens",
    "llm.token_count.completion",
    "llm.usage.completion_tokens",
    "ai.usage.outputTokens",
    "ai.usage.completionTokens",
)
_CACHED = (
    "gen_ai.usage.cache_read.input_tokens",
    "gen_ai.usage.cache_read_input_tokens",
    "gen_ai.usage.input_tokens.cached",
    "gen_ai.usage.details.cache_read_tokens",
    "gen_ai.usage.details.cached_tokens",
    "llm.token_count.prompt_details.cache_read",
    "ai.usage.cachedInputTokens",
)
_WRITTEN = (
    "gen_ai.usage.cache_write.input_tokens",
    "gen_ai.usage.cache_creation.input_tokens",
    "gen_ai.usage.cache_creation_input_tokens",
    "gen_ai.usage.input_tokens.cache_write",
    "llm.token_count.prompt_details.cache_write",
)
_REASONING = (
    "gen_ai.usage.reasoning.output_tokens",
    "gen_ai.usage.reasoning_tokens",
    "gen_ai.usage.output_tokens.reasoning",
    "gen_ai.usage.details.reasoning_tokens",
    "llm.token_count.completion_details.reasoning",
    "ai.usage.reasoningTokens",
)
_COST = ("gen_ai.usage.total_cost", "gen_ai.usage.cost", "llm.cost.total", "operation.cost", "gen_ai.cost.total_cost")
_COST_IN_PARTS = (
    ("gen_ai.usage.input_cost", "gen_ai.usage.output_cost"),
    ("llm.cost.prompt", "llm.cost.completion"),
)
_COSTS = frozenset((*_COST, *(name for parts in _COST_IN_PARTS for name in parts), "langfuse.observation.cost_details"))
_WHOLE = ("gen_ai.usage.raw", "langfuse.observation.usage_details")


def tokens(said: Attributes) -> dict[str, int]:
    """Those of prompt, completion, cached and reasoning that a span names; prompt includes cached and written ones."""
    names = {"prompt": _PROMPT, "completion": _COMPLETION, "cached": _CACHED, "reasoning": _REASONING}
    found = wire.normalise_usage({name: first(said, spellings) for name, spellings in names.items()})
    written = first(said, _WRITTEN)
    beside = found.get("cached", 0)
    if written is not None:
        beside += wire.normalise_usage({"prompt": written}).get("prompt", 0)
    if "prompt" in found and beside > found["prompt"]:  # a part cannot be larger: this emitter counts it apart
        found["prompt"] += beside
    return {**_whole(said), **found}


def cost_usd(said: Attributes) -> float | None:
    """The cost that a span names, or the sum of its two parts."""
    if _COSTS.isdisjoint(said):
        return None
    total = _number(first(said, _COST))
    if total is None:
        total = _number(as_object(said.get("langfuse.observation.cost_details")).get("total"))
    for prompt, completion in _COST_IN_PARTS if total is None else ():
        parts = (_number(said.get(prompt)), _number(said.get(completion)))
        if None not in parts:
            return sum(part for part in parts if part is not None)
    return total


def _whole(said: Attributes) -> dict[str, int]:
    """A provider's account of its usage, kept whole beside the names; or Langfuse's, whose parts add up."""
    whole = as_object(first(said, _WHOLE))
    if not whole:
        return {}
    if "input" not in whole and "output" not in whole:
        return wire.normalise_usage(whole)
    return wire.normalise_usage(
        {
            "prompt": _sum(whole, "input"),
            "completion": _sum(whole, "output"),
            "cached": first(whole, ("input_cache_read", "input_cached_tokens", "cache_read_input_tokens")),
            "reasoning": first(whole, ("output_reasoning", "output_reasoning_tokens")),
        }
    )


def _sum(whole: Mapping[str, Any], side: str) -> int | None:
    counts = [
        count for name, count in whole.items() if (name == side or name.startswith(f"{side}_")) and type(count) is int
    ]
    return sum(counts) if counts else None


def _number(given: Any) -> float | None:
    if isinstance(given, bool) or not isinstance(given, int | float | str):
        return None
    try:
        number = float(given)
    except (ValueError, OverflowError):
        return None
    return number if 0 <= number < 10**9 else None
