"""LiteLLM's spend log: rows of LiteLLM_SpendLogs from the table or from /spend/logs, one for each call through a proxy.

A row becomes the account of the call that LiteLLM gives its callbacks, which `api_hooks.wire.litellm` reads; files of such
accounts, as LiteLLM writes them to a bucket, are read as they are. The prompt is the body of the request that the proxy
got, and is there only where `store_prompts_in_spend_logs` was on; else a row goes in for its usage and cost, without text.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from api_hooks import wire
from api_hooks.wire import litellm
from api_hooks.wire.inside import opened
from worker.importing.beside import Beside
from worker.importing.formats.format import Document, Format, LeftOut, Unusable
from worker.importing.formats.reading import first, mapping, moment, number, objects

_NOTHING: tuple[Any, ...] = ({}, [], "{}", "[]", "null", "", None)


def _recognises(document: Mapping[str, Any]) -> bool:
    if _is_row(document) or _is_account(document) or _is_summary(document):
        return True
    return any(_recognises(row) for row in objects(document.get("data"))[:1])


def _is_row(document: Mapping[str, Any]) -> bool:
    return "request_id" in document and "call_type" in document


def _is_account(document: Mapping[str, Any]) -> bool:
    return {"id", "call_type", "response_cost", "startTime"} <= document.keys()


def _is_summary(document: Mapping[str, Any]) -> bool:
    return {"startTime", "spend", "users", "models"} <= document.keys()


def _read(document: Any, beside: Beside) -> Iterator[Document | LeftOut | Unusable]:
    if not isinstance(document, Mapping) or not _recognises(document):
        yield Unusable("is no row of LiteLLM's spend log")
    elif _is_row(document):
        yield _call(_account_of(document))
    elif _is_account(document):
        yield _call(document)
    elif _is_summary(document):
        yield Unusable("is the sum of a day, not a call; fetch /spend/logs with summarize=false")
    else:
        for row in objects(document["data"]):
            yield from _read(row, beside)


def _call(account: Mapping[str, Any]) -> Document | LeftOut | Unusable:
    call_type = str(account.get("call_type"))
    if account.get("status") not in (None, "", "success"):
        return LeftOut("failed call")
    is_passed_on = call_type in litellm.PASSED_ON
    if call_type not in litellm.GENERATIONS and not is_passed_on:
        return LeftOut(f"{call_type[:40]} call" if call_type.replace("_", "").isalnum() else "other call")
    parameters = mapping(account.get("model_parameters"))
    made_for = mapping(account.get("metadata")).get("internal_call_origin")
    try:
        found = litellm.document(
            account, system=parameters.get("system"), asked={"internal_call_origin": made_for} if made_for else {}
        )
    except wire.UnusableError as error:
        return Unusable(str(error))
    if found is None:
        return LeftOut("request passed on that asked no model" if is_passed_on else "call that LiteLLM made for itself")
    return found


def _account_of(row: Mapping[str, Any]) -> dict[str, Any]:
    """The call's StandardLoggingPayload, as far as a row has it."""
    told = mapping(row.get("metadata"))
    request = mapping(row.get("proxy_server_request"))
    messages, response = opened(row.get("messages")), opened(row.get("response"))
    if messages in _NOTHING:
        messages = first(request, "messages", "input", "prompt", "contents")
    started, ended = moment(row.get("startTime")), moment(row.get("endTime"))
    return {
        **row,
        "id": row.get("request_id"),
        "call_type": row.get("call_type") or "completion",
        "status": first(row, "status") or told.get("status"),
        "startTime": started and started.timestamp(),
        "endTime": (ended or started) and (ended or started).timestamp(),  # type: ignore[union-attr]
        "response_cost": number(row.get("spend")),
        "metadata": {**told, "usage_object": _usage(row, told)},
        "model_parameters": request,
        "messages": messages,
        "response": None if response in _NOTHING else response,
        "stream": request.get("stream") is True,
        "cache_hit": str(row.get("cache_hit")).lower() == "true",
        "request_tags": opened(row.get("request_tags")),
        # The row's session is the call's trace, which LiteLLM makes up for want of one.
        "session_id": None,
        "trace_id": row.get("session_id"),
    }


def _usage(row: Mapping[str, Any], told: Mapping[str, Any]) -> dict[str, Any]:
    """The row counts as OpenAI does, cached tokens inside the prompt's; details stand in its metadata."""
    more = {**mapping(told.get("usage_object")), **mapping(told.get("additional_usage_values"))}
    return {
        "prompt_tokens": row.get("prompt_tokens"),
        "completion_tokens": row.get("completion_tokens"),
        "prompt_tokens_details": mapping(more.get("prompt_tokens_details")),
        "completion_tokens_details": mapping(more.get("completion_tokens_details")),
        "cached_tokens": more.get("cache_read_input_tokens"),
    }


FORMAT = Format(
    name="litellm",
    title="LiteLLM's spend log",
    recognises=_recognises,
    read=_read,
)
