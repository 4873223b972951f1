"""What a call used, from any provider's account of it, in tokens."""

from typing import Any

from api_hooks.wire.reading import field

_TOKENS_AT_MOST = 10**12
_OWN = ("prompt", "completion", "cached", "reasoning")
_ONLY_OWN = frozenset(_OWN)
# Gemini's, as its SDK has them and as its REST API writes them.
_PROMPT = ("prompt_token_count", "promptTokenCount")
_CANDIDATES = ("candidates_token_count", "candidatesTokenCount")
_THOUGHTS = ("thoughts_token_count", "thoughtsTokenCount")
_CACHED = ("cached_content_token_count", "cachedContentTokenCount")
_OF_THE_PROMPT = ("prompt_tokens_details", "input_tokens_details", "input_token_details")
_OF_THE_COMPLETION = ("completion_tokens_details", "output_tokens_details", "output_token_details")


def normalise_usage(given: Any) -> dict[str, int]:
    """Return those of prompt, completion, cached and reasoning that can be read; prompt includes cached.

    Takes our own keys and the usage of chat completions, Responses, Anthropic and Gemini, as documents or objects.
    Anthropic counts cached tokens beside the input: they are added to prompt here.
    """
    if given is None:
        return {}
    if type(given) is dict and given.keys() <= _ONLY_OWN:  # it was read before, as a rule
        return {name: count for name in _OWN if (count := _count(given.get(name))) is not None}
    counted = {
        "prompt": _prompt(given),
        "completion": _completion(given),
        "cached": _first(given, "cached", "cached_tokens", "cache_read_input_tokens", *_CACHED),
        "reasoning": _first(given, "reasoning", "reasoning_tokens", *_THOUGHTS),
    }
    if counted["cached"] is None:
        counted["cached"] = _detail(given, _OF_THE_PROMPT, "cached_tokens", "cache_read")
    if counted["reasoning"] is None:
        counted["reasoning"] = _detail(given, _OF_THE_COMPLETION, "reasoning_tokens", "reasoning")
    return {name: count for name, count in counted.items() if count is not None}


def _prompt(given: Any) -> int | None:
    count = _first(given, "prompt", "prompt_tokens", "input_tokens", *_PROMPT)
    if count is None:
        return None
    beside = (_first(given, name) or 0 for name in ("cache_read_input_tokens", "cache_creation_input_tokens"))
    return min(count + (0 if field(given, "prompt", "prompt_tokens") is not None else sum(beside)), _TOKENS_AT_MOST)


def _completion(given: Any) -> int | None:
    count = _first(given, "completion", "completion_tokens", "output_tokens")
    if count is None and (count := _first(given, *_CANDIDATES)) is not None:
        return min(count + (_first(given, *_THOUGHTS) or 0), _TOKENS_AT_MOST)
    return count


def _first(given: Any, *names: str) -> int | None:
    for name in names:
        count = _count(field(given, name))
        if count is not None:
            return count
    return None


def _detail(given: Any, groups: tuple[str, ...], *names: str) -> int | None:
    for group in groups:
        details = field(given, group)
        count = None if details is None else _first(details, *names)
        if count is not None:
            return count
    return None


def _count(given: Any) -> int | None:
    if isinstance(given, str) and given.isascii() and given.isdigit() and len(given) <= 13:
        given = int(given)
    if type(given) is float and given.is_integer():
        given = int(given)
    return given if type(given) is int and 0 <= given <= _TOKENS_AT_MOST else None
