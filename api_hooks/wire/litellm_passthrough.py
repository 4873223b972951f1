"""A call that went through LiteLLM's proxy to a provider's own address (`/anthropic/…`, `/openai/…`, `/gemini/…`).

LiteLLM tells of it by what it passed on: the request's body is text within one message. The answer it makes a chat
completion where it knows the provider; else that is text, too. Calls at such addresses that answer nothing of a model's
(lists of models, counts of tokens, batches, files) are none of ours.
"""

import json
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from api_hooks.wire.reading import NOTHING, mapping

CALL_TYPES = frozenset({"pass_through_endpoint", "llm_passthrough_route", "allm_passthrough_route"})

_ASKED = ("messages", "input", "contents", "prompt")


def opened(payload: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Return the payload as that of a call which LiteLLM made itself; None when no model has answered."""
    answer = mapping(payload.get("response"))
    more: dict[str, Any] = {}
    if isinstance(answer.get("response"), str):
        answer = _document(answer["response"])
        # What LiteLLM could not read it has neither counted nor priced, and its id is of the call.
        usage = answer.get("usage") or answer.get("usageMetadata")
        metadata = {**mapping(payload.get("metadata")), "usage_object": usage}
        more = {"id": answer.get("id"), "response_cost": None, "metadata": metadata}
    if not _is_of_a_model(answer):
        return None
    return {**payload, **more, "response": answer, **_asked(payload.get("messages"))}


def _asked(messages: Any) -> dict[str, Any]:
    """The request's messages and tools; as LiteLLM has them where it took them out, or where they are no JSON."""
    first = messages[0] if isinstance(messages, list) and messages else None
    text = mapping(first).get("content")
    body = _document(text) if isinstance(text, str) else NOTHING
    if not any(body.get(name) is not None for name in _ASKED):
        return {}
    said = body if body.get("prompt") is None else body["prompt"]
    return {"messages": said, "model_parameters": {name: body.get(name) for name in ("tools", "functions", "user")}}


def _document(text: str) -> Mapping[str, Any]:
    with suppress(ValueError, RecursionError):
        return mapping(json.loads(text))
    return NOTHING


def _is_of_a_model(answer: Mapping[str, Any]) -> bool:
    if answer.get("choices") or answer.get("candidates"):
        return True
    return (answer.get("object"), answer.get("type"), answer.get("role")) in (
        ("response", None, None),
        (None, "message", "assistant"),
    )
