"""What LiteLLM's proxy passes on to a provider's own address, as LiteLLM 1.108.7 told of it."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from api_hooks import wire
from api_hooks.wire import litellm, litellm_passthrough
from tests.api_hooks.litellm_payloads import CALL_ID, payload, proxy_metadata
from tests.api_hooks.test_wire_litellm import JSON

NOW = datetime(2026, 11, 30, tzinfo=UTC)
ANTHROPIC = {
    "model": "claude-sonnet-4-5",
    "max_tokens": 20,
    "system": "Be brief.",
    "messages": [{"role": "user", "content": "Why is the sky blue?"}],
    "tools": [{"name": "lookup", "input_schema": {"type": "object"}}],
}
GEMINI = {
    "systemInstruction": {"parts": [{"text": "Be brief."}]},
    "contents": [
        {"role": "user", "parts": [{"text": "Why is the sky blue?"}]},
        {"role": "model", "parts": [{"functionCall": {"name": "lookup", "args": {"q": "sky"}}}]},
        {"role": "user", "parts": [{"functionResponse": {"name": "lookup", "response": {"found": "blue"}}}]},
        {"role": "user", "parts": [{"inlineData": {"mimeType": "image/png", "data": "AAAA"}}]},
    ],
    "tools": [{"functionDeclarations": [{"name": "lookup"}]}],
}
ID = "msg_z7WPxqeo87m4riAbWo5kyV4y52a0k"
ANSWER = {"role": "assistant", "content": "It scatters."}
NORMALISED = {"id": ID, "object": "chat.completion", "choices": [{"finish_reason": "stop", "message": ANSWER}]}
RAW = {
    "id": "chatcmpl-8T6gTY9O1edxG0ybTD0PbEE4YlVTZ",
    "object": "chat.completion",
    "choices": [{"finish_reason": "stop", "message": ANSWER}],
    "usage": {"prompt_tokens": 25, "completion_tokens": 7},
}


def passed_on(body: Any, response: Any = NORMALISED, **more: Any) -> dict[str, Any]:
    text = body if isinstance(body, str) else json.dumps(body)
    told = {"messages": [{"role": "user", "content": text}], "response": response, "model_parameters": {}}
    return payload(**{"call_type": "pass_through_endpoint", "id": ID, **told, **more})


def generation(given: dict[str, Any]) -> dict[str, Any]:
    found = litellm.document(given)
    assert found is not None
    said = {name: value for name, value in found.items() if value is not None}
    return wire.generation({"workspace": "acme", **said}, now=NOW, random_bytes=bytes(10))


def test_a_message_passed_on_to_anthropic_is_one_like_any_other() -> None:
    found = generation(passed_on(ANTHROPIC, custom_llm_provider="anthropic"))
    assert found["turns"] == [
        ["system", "Be brief.", None, None],
        ["user", "Why is the sky blue?", None, None],
        ["assistant", "It scatters.", None, None],
    ]
    assert (found["id"], found["provider"], found["tools"], found["user"]) == (
        ID,
        "anthropic",
        ["lookup"],
        "end-1",
    )
    assert found["finish_reason"] == "stop"
    assert found["usage"]["prompt"] == 20


def test_geminis_own_form_is_read_as_its_api_writes_it() -> None:
    found = generation(passed_on(GEMINI))
    assert found["turns"] == [
        ["system", "Be brief.", None, None],
        ["user", "Why is the sky blue?", None, None],
        ["tool_call", '{"q": "sky"}', "lookup", None],
        ["tool_result", '{"found": "blue"}', "lookup", None],
        ["user", "[image]", None, None],
        ["assistant", "It scatters.", None, None],
    ]
    assert found["tools"] == ["lookup"]


def test_an_answer_that_litellm_could_not_read_has_its_own_id_and_usage() -> None:
    metadata = proxy_metadata(usage_object=None)
    given = passed_on({"prompt": "Why?"}, {"response": json.dumps(RAW)}, id=CALL_ID, metadata=metadata)
    found = generation({**given, "prompt_tokens": 0, "completion_tokens": 0, "response_cost": 0.0})
    assert (found["id"], found["usage"]["prompt"], found["usage"]["completion"]) == (RAW["id"], 25, 7)
    assert found["cost_usd"] is None  # LiteLLM's 0 is no price: it has not counted
    assert [turn[:2] for turn in found["turns"]] == [["user", "Why?"], ["assistant", "It scatters."]]


def test_geminis_raw_answer_is_counted_by_its_own_names() -> None:
    raw = {
        "responseId": "rNfQaKf3NqyAjMcPwOqWgQk",
        "candidates": [{"content": {"role": "model", "parts": [{"text": "It scatters."}]}, "finishReason": "STOP"}],
        "usageMetadata": {"promptTokenCount": 9, "candidatesTokenCount": 4, "thoughtsTokenCount": 2},
    }
    given = passed_on(GEMINI, {"response": json.dumps(raw)}, metadata=proxy_metadata(usage_object=None))
    found = generation({**given, "id": CALL_ID, "prompt_tokens": 0, "completion_tokens": 0})
    assert (found["id"], found["usage"]) == (raw["responseId"], {"prompt": 9, "completion": 6, "reasoning": 2})
    assert found["turns"][-1][:2] == ["assistant", "It scatters."]


def test_a_stored_prompt_of_responses_hides_no_input() -> None:
    body = {"model": "gpt-5", "prompt": {"id": "pmpt_1", "version": "2"}, "input": "Why?", "instructions": "Be brief."}
    answer = {
        "id": "resp_" + "a" * 40,
        "object": "response",
        "status": "completed",
        "output": [{**ANSWER, "type": "message"}],
    }
    found = generation(passed_on(body, {"response": json.dumps(answer)}))
    assert [turn[:2] for turn in found["turns"]] == [
        ["system", "Be brief."],
        ["user", "Why?"],
        ["assistant", "It scatters."],
    ]


@pytest.mark.parametrize(
    "answer",
    [
        {
            "id": "msgbatch_1",
            "object": "batch",
            "choices": [{"message": {"content": "Batch job msgbatch_1 is pending"}}],
        },
        {"object": "batch_prediction_job", "choices": [{"message": {"content": "Batch prediction job created"}}]},
        {"id": "resp_1", "object": "response", "status": "queued", "output": []},
        {"id": "resp_1", "object": "response", "deleted": True},
    ],
)
def test_batches_and_answers_that_are_not_there_yet_are_no_generations(answer: dict[str, Any]) -> None:
    assert litellm.document(passed_on({"input": "Why?"}, answer)) is None
    assert litellm.document(passed_on({"input": "Why?"}, {"response": json.dumps(answer)})) is None


def test_an_answer_that_is_fetched_once_more_is_no_second_generation() -> None:
    whole = {"id": "resp_1", "object": "response", "status": "completed", "output": [{**ANSWER, "type": "message"}]}
    assert litellm.document(passed_on({}, {"response": json.dumps(whole)})) is None
    assert litellm.document(passed_on({"requests": [{"custom_id": "1"}]}, NORMALISED)) is None


@pytest.mark.parametrize(
    "raw",
    [
        {"object": "list", "data": [{"id": "gpt-5-mini"}]},
        {"input_tokens": 12},
        {"id": "batch_1", "object": "batch", "output": None},
        {"object": "thread.message", "role": "user", "content": [{"type": "text"}]},
        {"type": "message", "role": "user", "content": "x"},
        [],
        "cannot parse chunks to standard response object.",
    ],
)
def test_what_no_model_answered_is_no_generation(raw: Any) -> None:
    text = raw if isinstance(raw, str) else json.dumps(raw)
    assert litellm.document(passed_on({}, {"response": text})) is None
    assert litellm.document(passed_on({}, raw)) is None


def test_a_failure_and_what_litellm_redacted_are_what_they_are_elsewhere() -> None:
    assert litellm.document(passed_on(ANTHROPIC, status="failure")) is None
    found = generation(passed_on("redacted-by-litellm"))
    assert (found["turns"], found["source_rate"]) == ([], 0.0)


def test_a_body_that_cannot_be_read_is_a_text_like_any_other() -> None:
    long = json.dumps({"messages": [{"role": "user", "content": "x" * litellm_passthrough.BODY_CHARACTERS}]})
    assert generation(passed_on(long))["turns"][0][0] == "user"
    assert generation(passed_on("not { json"))["turns"][0][:2] == ["user", "not { json"]
    assert generation(passed_on("[" * 100_000))["turns"][-1][:2] == ["assistant", "It scatters."]


@settings(max_examples=200, deadline=None)
@given(JSON, JSON, st.booleans())
def test_whatever_is_passed_on_is_a_generation_or_none(body: Any, answer: Any, is_text: bool) -> None:
    response = {"response": json.dumps(answer)} if is_text else answer
    for one in (passed_on(body, response), passed_on(ANTHROPIC, response), passed_on(body)):
        found = litellm.document(one)
        assert found is None or generation(one)
