"""LiteLLM's account of a call, its StandardLoggingPayload, as a document of `wire.generation`.

The callback, the webhook and the import of a spend log all come through here. What the payload holds of the request
around the call, `litellm_request` reads. Only what is kept is touched: most of a payload's 12 KB is a price list.
"""

from collections.abc import Container, Mapping
from typing import Any

from api_hooks.wire import litellm_passthrough
from api_hooks.wire import litellm_request as requests
from api_hooks.wire.contract import UnusableError
from api_hooks.wire.fields import finite, guarded, number
from api_hooks.wire.identity import own_id
from api_hooks.wire.naming import call_id, response_id
from api_hooks.wire.reading import NOTHING, field, mapping, word
from api_hooks.wire.tools import tool_names
from api_hooks.wire.usage import normalise_usage

_RESPONSES = frozenset({"responses", "aresponses"})
GENERATIONS = _RESPONSES | {
    "completion",
    "acompletion",
    "text_completion",
    "atext_completion",
    "anthropic_messages",
    "aanthropic_messages",
    "generate_content",
    "agenerate_content",
    "generate_content_stream",
    "agenerate_content_stream",
}
"""The call types that are generations, whatever they say. Embeddings, images, decisions, files, polls and the rest are none;
what was passed on to a provider (`litellm_passthrough`) may be one.
"""

PASSED_ON = litellm_passthrough.CALL_TYPES

_OF_A_ROUTERS_OWN_CALL = ("classifier_input", "originating_request_masked")
_SAID = ("choices", "output", "candidates", "content")
_ENDED = ("object", "status", "incomplete_details", "stop_reason")
_REDACTED = "redacted-by-litellm"


def document(
    payload: Any,
    *,
    system: Any = None,
    asked: Mapping[str, Any] = NOTHING,
    headers: Mapping[str, Any] = NOTHING,
    around: Container[str] = (),
) -> dict[str, Any] | None:
    """Return the document, or None for what is no generation: failures, other call types, calls of LiteLLM's router.

    `asked` is the metadata of the application's own call and `headers` those of its request, for a callback that knows
    more than the payload says; `system` is a system prompt that stands beside the messages. `around` are the
    fields that a context around the call fills: what a header says of them does not count. Raise UnusableError for
    what is no payload, and for a call whose id or content cannot be read.
    """
    if not isinstance(payload, Mapping):
        raise UnusableError("payload: it is no object; send LiteLLM's StandardLoggingPayload as it is.")
    call_type = payload.get("call_type")
    if not isinstance(call_type, str) or not call_type:
        raise UnusableError("call_type: it is missing; send LiteLLM's StandardLoggingPayload as it is.")
    if not _is_done(payload) or any(payload.get(one) for one in _OF_A_ROUTERS_OWN_CALL):
        return None
    if call_type in PASSED_ON:
        passed_on = litellm_passthrough.as_if_made_by_litellm(payload)
        if passed_on is None:
            return None
        payload = passed_on
    elif call_type not in GENERATIONS:
        return None
    request = requests.read(payload, asked=asked, headers=headers, around=around)
    if request.is_internal:
        return None
    parameters = mapping(payload.get("model_parameters"))
    is_cached = payload.get("cache_hit") is True
    usage = {} if is_cached else _usage(payload)
    found: dict[str, Any] = {
        "id": _id(payload, call_type),
        "created_at": payload.get("startTime") or payload.get("endTime"),
        "latency_ms": _latency_ms(payload),
        "model": _model(payload),
        "provider": word(payload, "custom_llm_provider"),
        "usage": usage,
        "cost_usd": 0 if is_cached else _cost_usd(payload, usage),
        "tools": [*tool_names(parameters.get("tools")), *tool_names(parameters.get("functions"))],
        "streamed": payload.get("stream") is True,
        "user": word(payload, "end_user") or word(parameters, "user") or request.key_user,
        **request.attribution,
    }
    found["metadata"] = {**request.metadata, **_kept(payload, is_cached=is_cached)}
    if request.own_call:
        found["own_call"] = request.own_call
    return found | _text(payload, parameters.get("instructions") if system is None else system)


def _is_done(payload: Mapping[str, Any]) -> bool:
    return payload.get("status") in (None, "", "success")


def _id(payload: Mapping[str, Any], call_type: str) -> str | None:
    """The response's id; where that tells nothing apart, LiteLLM's own of the call."""
    named = guarded(call_id, payload.get("response")) if call_type in _RESPONSES else None
    return named or response_id(payload.get("id")) or own_id(payload.get("litellm_call_id"))


def _latency_ms(payload: Mapping[str, Any]) -> float | None:
    started, ended = finite(payload.get("startTime")), finite(payload.get("endTime"))
    return None if started is None or ended is None or ended < started else (ended - started) * 1000


def _model(payload: Mapping[str, Any]) -> str | None:
    """The model's own name: LiteLLM writes its provider before it."""
    model, provider = word(payload, "model"), word(payload, "custom_llm_provider")
    return model.removeprefix(f"{provider}/") if model and provider else model


def _usage(payload: Mapping[str, Any]) -> dict[str, int]:
    """What the provider counted; nothing where LiteLLM has no count and writes 0."""
    told = guarded(normalise_usage, mapping(payload.get("metadata")).get("usage_object")) or {}
    usage: dict[str, int] = told or guarded(normalise_usage, payload) or {}
    return usage if any(usage.values()) else {}


def _cost_usd(payload: Mapping[str, Any], usage: Mapping[str, int]) -> Any:
    """What LiteLLM reckons. Its 0 is no gift where it has no count of the tokens, or no price of the model."""
    cost = number(payload.get("response_cost"))
    hidden = payload.get("hidden_params")
    is_unknown = not usage or (isinstance(hidden, Mapping) and hidden.get("response_cost") is None)
    return None if not cost and is_unknown else cost


def _kept(payload: Mapping[str, Any], *, is_cached: bool) -> dict[str, Any]:
    kept = {"model_group": word(payload, "model_group"), "litellm_call_id": word(payload, "litellm_call_id")}
    if is_cached:
        kept["cache_hit"] = "true"
    return {name: value for name, value in kept.items() if value}


def _text(payload: Mapping[str, Any], system: Any) -> dict[str, Any]:
    """What was said. Where LiteLLM was told to redact it, the generation comes without text, as if sampled out."""
    messages, response = payload.get("messages"), payload.get("response")
    if _is_redacted(messages):
        return {"messages": [], "output": None, "source_rate": 0.0}
    if system is not None:
        messages = [{"role": "system", "content": system}, *(messages if isinstance(messages, list) else [messages])]
    return {"messages": messages, "output": _said(response)}


def _said(response: Any) -> Any:
    """The answers in a response, and how it ended."""
    if isinstance(response, Mapping) and any(response.get(name) is not None for name in _SAID):
        return {name: response[name] for name in (*_SAID, *_ENDED) if response.get(name) is not None}
    return response


def _is_redacted(messages: Any) -> bool:
    return isinstance(messages, list) and bool(messages) and all(field(one, "content") == _REDACTED for one in messages)
