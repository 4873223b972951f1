"""Anthropic's own dialect: messages with `output_config.format`, and a cache breakpoint after the system block.

Without the explicit breakpoint the cache would be written anew with every transcript, at 1.25 times the price.
"""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from classifier_models import consumption, marker
from classifier_models.dialects.answers import reply_to_text, reported_model, text_of
from classifier_models.dialects.chat import to_json_string
from classifier_models.dialects.dialect import Structure
from classifier_models.endpoints import Endpoint
from classifier_models.question import Prepared, Question
from classifier_models.quirks import Quirks
from classifier_models.reply import Case, Reply, Unanswered

STRUCTURES: tuple[Structure, ...] = ("json_schema", "text")

_CASE_OF_STOP_REASON = {
    "refusal": Case.REFUSED,
    "max_tokens": Case.TRUNCATED,
    "model_context_window_exceeded": Case.CONTEXT_TOO_LONG,
}


def url(endpoint: Endpoint) -> str:
    """Return where to POST, whether or not the base address names the version."""
    return f"{endpoint.base_url.removesuffix('/v1')}/v1/messages"


def headers(endpoint: Endpoint) -> dict[str, str]:
    """Return the API's version, and the key where there is one."""
    key = {"x-api-key": endpoint.api_key} if endpoint.api_key else {}
    return {"anthropic-version": "2023-06-01", **key}


def contents(endpoint: Endpoint, question: Question, structure: Structure) -> Sequence[bytes]:
    """Return the one request body."""
    prefix = _prefix(question.prepared, question.model, question.max_output_tokens, structure, endpoint.quirks)
    return (b"".join((prefix, to_json_string(question.transcript).encode("utf-8", "replace"), b"}]}")),)


@lru_cache(maxsize=512)
def _prefix(prepared: Prepared, model: str, max_output_tokens: int, structure: Structure, quirks: Quirks) -> bytes:
    system = {"type": "text", "text": prepared.system_prompt, "cache_control": {"type": "ephemeral"}}
    body: dict[str, Any] = {"model": model, "max_tokens": max_output_tokens}
    if quirks.takes_trace:
        body["trace"] = marker.trace(prepared.mark)
    if structure == "json_schema":
        body["output_config"] = {"format": {"type": "json_schema", "schema": prepared.schema}}
    body["system"] = [system]
    body["messages"] = [{"role": "user", "content": ""}]
    return to_json_string(body).encode("utf-8", "replace").removesuffix(b'""}]}')


def read(endpoint: Endpoint, question: Question, documents: Sequence[Mapping[str, Any]], latency_ms: int) -> Reply:
    """Return the tags, or why the message is none."""
    document = documents[0]
    model = reported_model(document, question)
    usage = consumption.of_messages(document.get("usage"), model=model, provider=endpoint.quirks.price_provider)
    stop_reason = document.get("stop_reason")
    case = _CASE_OF_STOP_REASON.get(stop_reason) if isinstance(stop_reason, str) else None
    if case is not None:
        return Unanswered(case=case, usage=usage, model=model, latency_ms=latency_ms, status=200)
    return reply_to_text(question, text_of(document.get("content")), usage, model, latency_ms)
