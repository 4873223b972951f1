"""LiteLLM's spend log: rows of LiteLLM_SpendLogs from the table or from /spend/logs, one for each call through a proxy.

The prompt is the body of the request that the proxy got, and is there only where `store_prompts_in_spend_logs` was on;
else a row goes in for its usage and cost, without text.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from worker.importing.beside import Beside
from worker.importing.formats.format import Document, Format, LeftOut, Unusable
from worker.importing.formats.reading import first, mapping, milliseconds_between, number, objects, opened

_GENERATIONS = {
    "",
    "completion",
    "acompletion",
    "text_completion",
    "atext_completion",
    "responses",
    "aresponses",
    "anthropic_messages",
    "generate_content",
    "agenerate_content",
    "generate_content_stream",
    "agenerate_content_stream",
}
_NOTHING: tuple[Any, ...] = ({}, [], "{}", "[]", "null", "", None)


def _recognises(document: Mapping[str, Any]) -> bool:
    if "request_id" in document and "call_type" in document:
        return True
    return _is_summary(document) or any(_recognises(row) for row in objects(document.get("data"))[:1])


def _is_summary(document: Mapping[str, Any]) -> bool:
    return {"startTime", "spend", "users", "models"} <= document.keys()


def _read(document: Any, beside: Beside) -> Iterator[Document | LeftOut | Unusable]:
    if not isinstance(document, Mapping) or not _recognises(document):
        yield Unusable("is no row of LiteLLM's spend log")
    elif _is_summary(document):
        yield Unusable("is the sum of a day, not a call; fetch /spend/logs with summarize=false")
    elif "request_id" in document:
        yield _row(document)
    else:
        for row in objects(document["data"]):
            yield from _read(row, beside)


def _row(row: Mapping[str, Any]) -> Document | LeftOut:
    told = mapping(row.get("metadata"))
    if "failure" in (row.get("status"), told.get("status")):
        return LeftOut("failed call")
    call_type = str(row.get("call_type") or "")
    if call_type not in _GENERATIONS:
        return LeftOut(f"{call_type[:40]} call" if call_type.replace("_", "").isalnum() else "other call")
    request = mapping(row.get("proxy_server_request"))
    messages = opened(row.get("messages"))
    answer = opened(row.get("response"))
    asked = dict(request) if messages in _NOTHING and request else None if messages in _NOTHING else messages
    return {
        "id": row.get("request_id"),
        "created_at": first(row, "endTime", "startTime"),
        "messages": asked,
        "output": None if answer in _NOTHING else answer,
        "tools": request.get("tools"),
        "model": first(row, "model", "model_group"),
        "provider": first(row, "custom_llm_provider"),
        "usage": _usage(row, told),
        "cost_usd": number(row.get("spend")),
        "latency_ms": _latency(row),
        "streamed": request.get("stream") is True,
        "user": first(row, "end_user", "user"),
        "session_id": first(row, "session_id"),
        "api_key_name": first(told, "user_api_key_alias"),
        "metadata": _metadata(row, told),
    }


def _usage(row: Mapping[str, Any], told: Mapping[str, Any]) -> dict[str, Any]:
    """LiteLLM counts in OpenAI's way, cached tokens inside the prompt's; details stand in the metadata."""
    more = mapping(told.get("additional_usage_values"))
    return {
        "prompt_tokens": row.get("prompt_tokens"),
        "completion_tokens": row.get("completion_tokens"),
        "prompt_tokens_details": mapping(more.get("prompt_tokens_details")),
        "completion_tokens_details": mapping(more.get("completion_tokens_details")),
        "cached_tokens": more.get("cache_read_input_tokens"),
    }


def _latency(row: Mapping[str, Any]) -> float | None:
    between = milliseconds_between(row.get("startTime"), row.get("endTime"))
    return number(row.get("request_duration_ms")) if between is None else between


def _metadata(row: Mapping[str, Any], told: Mapping[str, Any]) -> dict[str, Any]:
    wanted = {
        "team": first(told, "user_api_key_team_alias") or first(row, "team_id"),
        "organization": first(told, "user_api_key_org_id") or first(row, "organization_id"),
        "model_group": first(row, "model_group"),
        "cache_hit": first(row, "cache_hit"),
        "user_agent": first(told, "user_agent"),
    }
    tags = opened(row.get("request_tags"))
    if isinstance(tags, list) and tags:
        wanted["tags"] = ", ".join(map(str, tags))
    return {**mapping(told.get("spend_logs_metadata")), **{k: v for k, v in wanted.items() if v is not None}}


FORMAT = Format(
    name="litellm",
    title="LiteLLM's spend log (LiteLLM_SpendLogs, /spend/logs)",
    recognises=_recognises,
    read=_read,
)
