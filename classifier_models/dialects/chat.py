"""Chat completions with a strict JSON schema: OpenRouter, OpenAI, Gemini, vLLM, llama.cpp, Ollama, LiteLLM.

The transcript comes last in the body, so that everything before it is serialized once and so that prompt caches hit.
"""

import json
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from classifier_models import consumption, endings, marker
from classifier_models.dialects.answers import reply_to_text, reported_model, text_of
from classifier_models.dialects.dialect import Structure
from classifier_models.endpoints import Endpoint
from classifier_models.question import Prepared, Question
from classifier_models.quirks import Quirks
from classifier_models.reply import Case, Reply, Unanswered, Usage

STRUCTURES: tuple[Structure, ...] = ("json_schema", "json_object", "text")

to_json_string = json.JSONEncoder(ensure_ascii=False).encode


def url(endpoint: Endpoint) -> str:
    """Return where to POST: the base address already ends in the version, as SDKs want it."""
    return f"{endpoint.base_url}/chat/completions"


def headers(endpoint: Endpoint) -> dict[str, str]:
    """Return the key as a bearer token, where there is one."""
    return {"Authorization": f"Bearer {endpoint.api_key}"} if endpoint.api_key else {}


def contents(endpoint: Endpoint, question: Question, structure: Structure) -> Sequence[bytes]:
    """Return the one request body; a lone surrogate in the transcript goes out as `?`."""
    prefix = _prefix(
        question.prepared,
        question.model,
        question.max_output_tokens,
        question.prompt_cache_key,
        structure,
        endpoint.quirks,
    )
    return (b"".join((prefix, to_json_string(question.transcript).encode("utf-8", "replace"), b"}]}")),)


@lru_cache(maxsize=512)
def _prefix(
    prepared: Prepared,
    model: str,
    max_output_tokens: int,
    prompt_cache_key: str | None,
    structure: Structure,
    quirks: Quirks,
) -> bytes:
    body: dict[str, Any] = {"model": model, **quirks.extra_body, quirks.token_cap_field: max_output_tokens}
    if prompt_cache_key and quirks.sends_prompt_cache_key:
        body["prompt_cache_key"] = prompt_cache_key
    if quirks.takes_trace:
        body["trace"] = marker.trace(prepared.mark)
    if structure == "json_schema":
        body["response_format"] = {
            "type": "json_schema",
            "json_schema": {"name": "classification", "strict": True, "schema": prepared.schema},
        }
    elif structure == "json_object":
        body["response_format"] = {"type": "json_object"}
    system = prepared.system_prompt if structure == "json_schema" else _with_schema(prepared)
    body["messages"] = [{"role": "system", "content": system}, {"role": "user", "content": ""}]
    serialized = to_json_string(body).encode("utf-8", "replace")
    return serialized.removesuffix(b'""}]}')


def _with_schema(prepared: Prepared) -> str:
    return f"{prepared.system_prompt}\n\nThe JSON schema of your answer:\n{to_json_string(prepared.schema)}"


def read(endpoint: Endpoint, question: Question, documents: Sequence[Mapping[str, Any]], latency_ms: int) -> Reply:
    """Return the tags, or why the completion is none."""
    document = documents[0]
    model = reported_model(document, question)
    usage = consumption.of_chat(document.get("usage"), model=model, provider=endpoint.quirks.price_provider)
    choices = document.get("choices")
    choice = choices[0] if isinstance(choices, list) and choices else None
    message = choice.get("message") if isinstance(choice, Mapping) else None
    if not isinstance(choice, Mapping) or not isinstance(message, Mapping):
        return _unanswered(Case.UNREADABLE, usage, model, latency_ms, "no choice in the completion")
    finish_reason = choice.get("finish_reason")
    if finish_reason == "content_filter" or message.get("refusal"):
        return _unanswered(Case.REFUSED, usage, model, latency_ms, "")
    if finish_reason == "length":
        return _unanswered(Case.TRUNCATED, usage, model, latency_ms, f"at {question.max_output_tokens} tokens")
    if finish_reason == "error":
        case = endings.case_of(200, endings.error_of(choice))
        return _unanswered(case, usage, model, latency_ms, "finish_reason error")
    return reply_to_text(question, text_of(message.get("content")), usage, model, latency_ms)


def _unanswered(case: Case, usage: Usage | None, model: str, latency_ms: int, detail: str) -> Unanswered:
    return Unanswered(case=case, usage=usage, model=model, latency_ms=latency_ms, status=200, detail=detail)
