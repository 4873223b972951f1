"""One observation of Langfuse that is a generation, as a document."""

import re
from collections.abc import Mapping
from typing import Any

from api_hooks import wire
from api_hooks.wire import naming
from api_hooks.wire.inside import opened
from worker.importing.formats.format import Document
from worker.importing.formats.reading import first, mapping, milliseconds_between, number, spoken

_LITELLM_ID = re.compile(r"time-\d\d-\d\d-\d\d-\d+_(.+)")
"""LiteLLM's own logging to Langfuse names an observation by the time and the response's id."""

_SPANS_IDS = (re.compile("[0-9a-f]{32}"), re.compile("[0-9a-f]{16}"))

_OTEL_PARTS = ("attributes", "resourceAttributes", "scope")
"""Where Langfuse keeps what came over OpenTelemetry: as long as the generation itself, so not taken over."""


def generation(row: Mapping[str, Any], trace: Mapping[str, Any]) -> Document:
    """The document of an observation; `trace` is what is known of its trace, or empty."""
    told = mapping(first(row, "metadata"))
    attributes = _attributes(told)
    asked = spoken(first(row, "input"))
    answer = spoken(first(row, "output"))
    start, end = first(row, "startTime", "start_time"), first(row, "endTime", "end_time")
    return {
        "id": _response_id(row, attributes, answer) or _span_name(row, trace) or first(row, "id"),
        "created_at": start or end,  # as every other way in: the same call has one time, whichever way it comes
        "messages": asked,
        "output": answer,
        "tools": _tools(row, asked),
        "model": first(row, "model", "providedModelName", "provided_model_name"),
        "provider": first(attributes, "gen_ai.provider.name", "gen_ai.system") or first(told, "ls_provider"),
        "usage": _usage(row),
        "cost_usd": _cost(row),
        "latency_ms": milliseconds_between(start, end),
        "finish_reason": _finish_reason(attributes),
        "streamed": first(row, "completionStartTime", "completion_start_time") is not None,
        "user": first(row, "userId", "user_id") or first(trace, "userId", "user_id"),
        "session_id": first(row, "sessionId", "session_id") or first(trace, "sessionId", "session_id"),
        "app": first(mapping(told.get("resourceAttributes")), "service.name"),
        "metadata": _metadata(row, trace, told),
    }


def _response_id(row: Mapping[str, Any], attributes: Mapping[str, Any], answer: Any) -> str | None:
    """The provider's id of the response, wherever it may have been left, else what the hook of an SDK wrote onto the span."""
    named = _LITELLM_ID.fullmatch(str(first(row, "id")))
    inside = answer.get("id") if isinstance(answer, Mapping) and "choices" in answer else None
    for given in (attributes.get("gen_ai.response.id"), named and named[1], inside):
        found = wire.response_id(given)
        if found is not None:
            return found
    return naming.told_id(attributes, [first(row, "model", "providedModelName", "provided_model_name")])


def _span_name(row: Mapping[str, Any], trace: Mapping[str, Any]) -> str | None:
    """What /v1/traces names the same call by, where the observation is an OpenTelemetry span."""
    ids = (str(first(row, "traceId", "trace_id") or trace.get("id")), str(first(row, "id")))
    is_span = all(pattern.fullmatch(id_) for pattern, id_ in zip(_SPANS_IDS, ids, strict=True))
    return naming.span_name(*ids) if is_span else None


def _attributes(told: Mapping[str, Any]) -> Mapping[str, Any]:
    return mapping(told.get("attributes"))


def _tools(row: Mapping[str, Any], asked: Any) -> Any:
    defined = mapping(first(row, "toolDefinitions", "tool_definitions"))
    if defined:
        return list(defined)
    return asked.get("tools") if isinstance(asked, Mapping) else None


def _usage(row: Mapping[str, Any]) -> Any:
    """Tokens; Langfuse splits the prompt's and the completion's among keys that name their kind, and sums them up again.

    So `input` is what was not cached where `input_cached_tokens` stands beside it.
    """
    details = mapping(first(row, "usageDetails", "usage_details"))
    if details:
        return {
            "prompt": _sum(details, "input"),
            "completion": _sum(details, "output"),
            "cached": _sum(details, "input", "cached", "cache_read"),
            "reasoning": _sum(details, "output", "reasoning"),
        } | ({} if _sum(details, "input") is not None else wire.normalise_usage(details))
    usage = mapping(first(row, "usage"))
    if usage.get("unit") not in (None, "", "TOKENS"):
        return None  # characters, images, seconds
    return {
        "prompt": first(usage, "input", "promptTokens", "prompt_tokens", "input_tokens") or first(row, "promptTokens"),
        "completion": first(usage, "output", "completionTokens", "completion_tokens", "output_tokens")
        or first(row, "completionTokens"),
    }


def _sum(details: Mapping[str, Any], side: str, *kinds: str) -> int | None:
    found = [
        number(count)
        for name, count in details.items()
        if side in name and (not kinds or any(kind in name for kind in kinds))
    ]
    counts = [int(count) for count in found if count is not None and 0 <= count < 10**12]
    return sum(counts) if counts else None


def _cost(row: Mapping[str, Any]) -> float | None:
    """US dollars; what has no price has no cost, though some exports write 0 for it."""
    details = first(row, "costDetails", "cost_details")
    costs = {name: number(cost) for name, cost in mapping(details).items()}
    if costs.get("total") is not None:
        return costs["total"]
    if any(cost is not None for cost in costs.values()):
        return sum(cost for cost in costs.values() if cost is not None)
    total = first(row, "totalCost", "total_cost", "calculatedTotalCost") or first(
        mapping(row.get("usage")), "totalCost"
    )
    found = number(total)
    return None if found == 0 and details is not None else found


def _finish_reason(attributes: Mapping[str, Any]) -> Any:
    reasons = opened(attributes.get("gen_ai.response.finish_reasons"))
    return reasons[0] if isinstance(reasons, list) and reasons else reasons


def _metadata(row: Mapping[str, Any], trace: Mapping[str, Any], told: Mapping[str, Any]) -> dict[str, Any]:
    prompt = first(row, "promptName", "prompt_name")
    tags = opened(first(row, "traceTags", "tags") or trace.get("tags"))
    ours = {
        "trace_id": first(row, "traceId", "trace_id") or trace.get("id"),
        "span_id": first(row, "id"),
        "trace_name": first(row, "traceName", "trace_name") or first(trace, "name"),
        "name": first(row, "name"),
        "environment": first(row, "environment"),
        "version": first(row, "version"),
        "prompt": prompt and f"{prompt}:{first(row, 'promptVersion', 'prompt_version')}",
        "tags": ", ".join(map(str, tags)) if isinstance(tags, list) and tags else None,
    }
    theirs = {name: value for name, value in told.items() if name not in _OTEL_PARTS}
    return {name: value for name, value in ours.items() if value is not None} | {
        name: value for name, value in theirs.items() if name not in ours
    }
