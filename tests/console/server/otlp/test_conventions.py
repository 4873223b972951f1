"""What was said, read from spans as the conventions write them, past and present."""

import json
from typing import Any

import pytest

from tests.console.server.otlp.samples import Emitted, chat, found_in, generation_of, turns_of

ASKED = [("system", "Be brief."), ("user", "Weather in Paris?")]
TOLD = [*ASKED, ("assistant", "Sunny.")]
CALLED = [*ASKED, ("tool_call", '{"city":"Paris"}'), ("tool_result", "sunny"), ("assistant", "Sunny.")]

OF_TODAY = {
    "gen_ai.operation.name": "chat",
    "gen_ai.request.model": "gpt-5-mini",
    "gen_ai.system_instructions": json.dumps([{"type": "text", "content": "Be brief."}]),
    "gen_ai.input.messages": json.dumps(
        [
            {"role": "user", "parts": [{"type": "text", "content": "Weather in Paris?"}]},
            {
                "role": "assistant",
                "parts": [{"type": "tool_call", "id": "1", "name": "weather", "arguments": '{"city":"Paris"}'}],
            },
            {"role": "tool", "parts": [{"type": "tool_call_response", "id": "1", "response": "sunny"}]},
        ]
    ),
    "gen_ai.output.messages": json.dumps([{"role": "assistant", "parts": [{"type": "text", "content": "Sunny."}]}]),
    "gen_ai.tool.definitions": json.dumps([{"type": "function", "name": "weather", "parameters": {}}]),
}
OPENAI_TOOL = json.dumps({"type": "function", "function": {"name": "weather", "parameters": {}}})


def test_the_conventions_of_today() -> None:
    assert turns_of(OF_TODAY) == CALLED
    assert generation_of(Emitted(attributes=OF_TODAY))["tools"] == ["weather"]


def test_structured_values_say_the_same_as_json() -> None:
    structured = {
        name: json.loads(value)
        if name.startswith(("gen_ai.input", "gen_ai.output", "gen_ai.system", "gen_ai.tool"))
        else value
        for name, value in OF_TODAY.items()
    }
    assert turns_of(structured) == CALLED


def test_instructions_that_are_one_text() -> None:
    assert turns_of({**OF_TODAY, "gen_ai.system_instructions": "Be brief."}) == CALLED


@pytest.mark.parametrize("role", ["unknown", None, "model", "user"])
def test_an_answer_is_the_assistants_whatever_role_its_emitter_writes(role: str | None) -> None:
    said = json.dumps([{"role": role, "parts": [{"type": "text", "content": "Sunny."}]}])
    assert turns_of({**OF_TODAY, "gen_ai.output.messages": said}) == CALLED


def test_media_and_reasoning_are_told_apart_from_text() -> None:
    parts = [
        {"type": "text", "content": "What is it?"},
        {"type": "blob", "modality": "image", "mime_type": "image/png", "content": "iVBORw0KGgo="},
        {"type": "uri", "modality": "audio", "uri": "https://example.com/a.mp3"},
        {"type": "file", "modality": "document", "file_id": "f-1"},
    ]
    answer = [{"type": "reasoning", "content": "Hm."}, {"type": "text", "content": "A cat."}]
    told = {
        "gen_ai.operation.name": "chat",
        "gen_ai.input.messages": json.dumps([{"role": "user", "parts": parts}]),
        "gen_ai.output.messages": json.dumps([{"role": "assistant", "parts": answer}]),
    }
    assert turns_of(told) == [("user", "What is it?\n[image]\n[audio]\n[file]"), ("assistant", "A cat.")]


def test_a_text_that_its_emitter_cut_is_kept_as_it_is() -> None:
    cut = json.dumps([{"role": "user", "parts": [{"type": "text", "content": "Why?" * 100}]}])[:200]
    assert turns_of(chat() | {"gen_ai.input.messages": cut})[0] == ("user", cut)


@pytest.mark.parametrize("nothing", [{}, {"gen_ai.input.messages": "[]"}, {"gen_ai.output.messages": ""}])
def test_a_call_without_text_is_kept_back_from_every_classifier(nothing: dict[str, str]) -> None:
    emitted = Emitted(attributes={"gen_ai.operation.name": "chat", "gen_ai.usage.input_tokens": 40, **nothing})
    assert found_in(emitted).without_text == 1
    found = generation_of(emitted)
    assert (found["turns"], found["source_rate"], found["source_draw"]) == ([], 0.0, 1.0)
    assert found["usage"] == {"prompt": 40}


def test_messages_in_an_events_details() -> None:
    content = {
        name: OF_TODAY[name] for name in OF_TODAY if name not in ("gen_ai.operation.name", "gen_ai.request.model")
    }
    said = turns_of(
        {"gen_ai.operation.name": "chat", "gen_ai.request.model": "m"},
        events=[("gen_ai.client.inference.operation.details", content)],
    )
    assert said == CALLED


OPENINFERENCE = {
    "openinference.span.kind": "LLM",
    "llm.input_messages.0.message.role": "system",
    "llm.input_messages.0.message.content": "Be brief.",
    "llm.input_messages.1.message.role": "user",
    "llm.input_messages.1.message.contents.0.message_content.type": "text",
    "llm.input_messages.1.message.contents.0.message_content.text": "Weather in Paris?",
    "llm.input_messages.2.message.role": "assistant",
    "llm.input_messages.2.message.tool_calls.0.tool_call.id": "1",
    "llm.input_messages.2.message.tool_calls.0.tool_call.function.name": "weather",
    "llm.input_messages.2.message.tool_calls.0.tool_call.function.arguments": '{"city":"Paris"}',
    "llm.input_messages.3.message.role": "tool",
    "llm.input_messages.3.message.tool_call_id": "1",
    "llm.input_messages.3.message.content": "sunny",
    "llm.output_messages.0.message.role": "assistant",
    "llm.output_messages.0.message.content": "Sunny.",
    "llm.tools.0.tool.json_schema": OPENAI_TOOL,
    "llm.model_name": "gpt-5-mini",
}


def test_openinference() -> None:
    assert turns_of(OPENINFERENCE) == CALLED
    found = generation_of(Emitted(attributes=OPENINFERENCE))
    assert (found["tools"], found["model"]) == (["weather"], "gpt-5-mini")


def test_ten_and_more_flattened_messages_stay_in_order() -> None:
    many = {f"llm.input_messages.{number}.message.content": str(number) for number in reversed(range(12))}
    said = turns_of({"openinference.span.kind": "LLM", **many})
    assert said == [("user", str(number)) for number in range(12)]


def test_openinference_without_messages_says_what_went_in_and_out() -> None:
    raw = {
        "openinference.span.kind": "LLM",
        "input.value": json.dumps({"messages": [{"role": "user", "content": "Why?"}]}),
        "output.value": "Because.",
    }
    assert turns_of(raw) == [("user", "Why?"), ("assistant", "Because.")]
    hidden = {"openinference.span.kind": "LLM", "input.value": "__REDACTED__", "output.value": "__REDACTED__"}
    assert found_in(Emitted(attributes=hidden)).without_text == 1


def test_openinference_completions() -> None:
    completion = {
        "openinference.span.kind": "LLM",
        "llm.prompts.0.prompt.text": "Once upon",
        "llm.choices.0.completion.text": " a time",
    }
    assert turns_of(completion) == [("user", "Once upon"), ("assistant", " a time")]


def test_openllmetrys_flattened_prompts() -> None:
    flattened = {
        "llm.request.type": "chat",
        "gen_ai.prompt.0.role": "system",
        "gen_ai.prompt.0.content": "Be brief.",
        "gen_ai.prompt.1.role": "user",
        "gen_ai.prompt.1.content": json.dumps([{"type": "text", "text": "Weather in Paris?"}]),
        "gen_ai.prompt.2.role": "assistant",
        "gen_ai.prompt.2.tool_calls.0.id": "1",
        "gen_ai.prompt.2.tool_calls.0.name": "weather",
        "gen_ai.prompt.2.tool_calls.0.arguments": '{"city":"Paris"}',
        "gen_ai.prompt.3.role": "tool",
        "gen_ai.prompt.3.tool_call_id": "1",
        "gen_ai.prompt.3.content": "sunny",
        "gen_ai.completion.0.role": "assistant",
        "gen_ai.completion.0.content": "Sunny.",
        "gen_ai.completion.0.finish_reason": "stop",
        "llm.request.functions.0.name": "weather",
    }
    assert turns_of(flattened) == CALLED
    found = generation_of(Emitted(attributes=flattened))
    assert (found["tools"], found["finish_reason"]) == (["weather"], "stop")


def test_a_users_text_that_is_a_list_in_json_stays_as_it_is() -> None:
    said = '[{"city": "Paris"}]'
    assert turns_of({"llm.request.type": "chat", "gen_ai.prompt.0.content": said}) == [("user", said)]


LANGFUSE = {"langfuse.observation.type": "generation", "langfuse.observation.model.name": "gpt-5-mini"}


@pytest.mark.parametrize(
    ("given", "returned", "said"),
    [
        (
            [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Weather in Paris?"}],
            "Sunny.",
            TOLD,
        ),
        (
            {"messages": [{"role": "user", "content": "Why?"}], "tools": [json.loads(OPENAI_TOOL)]},
            {"role": "assistant", "content": "Because."},
            [("user", "Why?"), ("assistant", "Because.")],
        ),
        ({"question": "Why?"}, {"answer": 42}, [("user", '{"question": "Why?"}'), ("assistant", '{"answer": 42}')]),
    ],
)
def test_langfuse(given: Any, returned: Any, said: list[tuple[str, str]]) -> None:
    written = {
        "langfuse.observation.input": json.dumps(given),
        "langfuse.observation.output": returned if isinstance(returned, str) else json.dumps(returned),
    }
    assert turns_of({**LANGFUSE, **written}) == said


def test_vercels_inner_span() -> None:
    messages = [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": [{"type": "text", "text": "Weather in Paris?"}]},
        {
            "role": "assistant",
            "content": [{"type": "tool-call", "toolCallId": "1", "toolName": "weather", "input": '{"city":"Paris"}'}],
        },
        {
            "role": "tool",
            "content": [
                {
                    "type": "tool-result",
                    "toolCallId": "1",
                    "toolName": "weather",
                    "output": {"type": "text", "value": "sunny"},
                }
            ],
        },
    ]
    inner = {
        "ai.operationId": "ai.streamText.doStream",
        "ai.prompt.messages": json.dumps(messages),
        "ai.prompt.tools": [json.dumps({"type": "function", "name": "weather", "inputSchema": {}})],
        "ai.response.text": "Sunny.",
        "ai.response.toolCalls": json.dumps([{"toolCallId": "2", "toolName": "weather", "input": {"city": "Lyon"}}]),
    }
    assert turns_of(inner) == [*CALLED, ("tool_call", '{"city": "Lyon"}')]
    found = generation_of(Emitted(attributes=inner))
    assert (found["tools"], found["streamed"]) == (["weather"], True)


def test_messages_as_events_of_the_span() -> None:
    events = [
        ("gen_ai.system.message", {"content": "Be brief."}),
        ("gen_ai.user.message", {"gen_ai.event.content": json.dumps({"role": "user", "content": "Weather in Paris?"})}),
        ("gen_ai.choice", {"index": 0, "finish_reason": "stop", "message": json.dumps({"content": "Sunny."})}),
        ("exception", {"exception.message": "no text of anybody's"}),
    ]
    assert turns_of({"gen_ai.operation.name": "chat"}, events=events) == TOLD


def test_messages_as_one_attribute_of_events() -> None:
    written = [
        {"event.name": "gen_ai.system.message", "content": "Be brief."},
        {"event.name": "gen_ai.user.message", "content": "Weather in Paris?"},
        {"event.name": "gen_ai.choice", "index": 0, "message": {"role": "assistant", "content": "Sunny."}},
    ]
    assert turns_of({"gen_ai.operation.name": "chat", "events": json.dumps(written)}) == TOLD


def test_prompt_and_completion_as_events() -> None:
    events = [
        ("gen_ai.content.prompt", {"gen_ai.prompt": json.dumps([{"role": "user", "content": "Why?"}])}),
        (
            "gen_ai.content.completion",
            {"gen_ai.completion": json.dumps([{"role": "assistant", "content": "Because."}])},
        ),
    ]
    assert turns_of({"gen_ai.operation.name": "chat"}, events=events) == [("user", "Why?"), ("assistant", "Because.")]


def test_logfires_own_attributes() -> None:
    own = {
        "gen_ai.operation.name": "chat",
        "request_data": json.dumps({"model": "m", "messages": [{"role": "user", "content": "Why?"}]}),
        "response_data": json.dumps({"message": {"role": "assistant", "content": "Because."}}),
    }
    assert turns_of(own, scope="logfire.openai") == [("user", "Why?"), ("assistant", "Because.")]
    streamed = {**own, "response_data": json.dumps({"combined_chunk_content": "Because.", "chunk_count": 1})}
    assert turns_of(streamed, scope="logfire.openai") == [("user", "Why?"), ("assistant", "Because.")]
