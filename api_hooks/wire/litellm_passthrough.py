"""A call that LiteLLM's proxy passed on to a provider's own address (`/anthropic/…`, `/openai/…`, `/gemini/…`).

LiteLLM tells of it by what it passed on: the request's body is text within one message. The answer it makes a chat
completion where it knows the provider; else that is text, too. Requests that ask no model anything (lists of models,
counts of tokens, batches, files, answers fetched once more) are none of ours.
"""

from collections.abc import Mapping
from typing import Any

from api_hooks.wire.inside import opened
from api_hooks.wire.reading import field, mapping

CALL_TYPES = frozenset({"pass_through_endpoint", "llm_passthrough_route", "allm_passthrough_route"})

BODY_CHARACTERS = 8_000_000
"""What is read of a body: it may be read where LiteLLM serves its callers. A longer one is a text like any other."""

_CHATS = (None, "chat.completion", "chat.completion.chunk", "text_completion")


def as_if_made_by_litellm(payload: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Return the payload with the request and the answer in their places; None when no model was asked or answered."""
    text = _text_of(payload.get("messages"))
    body = _document(text)
    asked = field(body, "messages", "input", "contents", "prompt")
    if asked is None and text.lstrip()[:1] == "{" and len(text) <= BODY_CHARACTERS:
        return None
    answer = mapping(payload.get("response"))
    more: dict[str, Any] = {}
    if isinstance(answer.get("response"), str):
        answer = _document(answer["response"])
        # What LiteLLM could not read it has neither counted nor priced, and its id is of the call.
        metadata = {**mapping(payload.get("metadata")), "usage_object": field(answer, "usage", "usageMetadata")}
        more = {"id": field(answer, "id", "responseId"), "response_cost": None, "metadata": metadata}
    if not _is_of_a_model(answer):
        return None
    if asked is not None:
        is_of_completions = body.get("messages") is body.get("input") is body.get("contents") is None
        more["messages"] = asked if is_of_completions else body
        more["model_parameters"] = {name: body.get(name) for name in ("tools", "functions", "user")}
    return {**payload, **more, "response": answer}


def _text_of(messages: Any) -> str:
    first = messages[0] if isinstance(messages, list) and messages else None
    text = mapping(first).get("content")
    return text if isinstance(text, str) else ""


def _document(text: str) -> Mapping[str, Any]:
    return mapping(opened(text) if len(text) <= BODY_CHARACTERS else None)


def _is_of_a_model(answer: Mapping[str, Any]) -> bool:
    kind = answer.get("object")
    if answer.get("choices"):
        return kind in _CHATS  # LiteLLM writes "Batch job … pending" into a choice
    if kind == "response":
        return answer.get("status") in ("completed", "incomplete")
    return bool(answer.get("candidates")) or (answer.get("type"), answer.get("role")) == ("message", "assistant")
