import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from api_hooks import wire
from api_hooks.integrations.stainless.assembling import Assembly, parts

FORMS = ("chat", "completions", "responses", "messages")


def assembled(form: str, *events: Any) -> tuple[dict[str, Any], bool]:
    made = Assembly(form)
    made.add(event if isinstance(event, str) else json.dumps(event) for event in events)
    return made.document()


def choice(index: Any = 0, finish: Any = None, **delta: Any) -> dict[str, Any]:
    return {"choices": [{"index": index, "delta": delta, "finish_reason": finish}]}


def test_choices_and_tool_calls_that_come_mixed_are_put_in_order() -> None:
    document, is_whole = assembled(
        "chat",
        {"id": "", "model": "", "choices": [], "prompt_filter_results": []},  # Azure's first
        {"id": "chatcmpl-1", "model": "m", **choice(1, content="b")},
        choice(0, tool_calls=[{"index": 1, "id": "c2", "function": {"name": "two", "arguments": "{}"}}]),
        choice(0, tool_calls=[{"index": 0, "id": "c1", "function": {"name": "one", "arguments": '{"a"'}}]),
        choice(0, tool_calls=[{"index": 0, "function": {"arguments": ":1}"}}]),
        choice(1, content="c"),
        choice(0, finish="tool_calls"),
        choice(1, finish="stop"),
        {"choices": [], "usage": {"prompt_tokens": 3}},
    )
    assert is_whole
    assert (document["id"], document["model"], document["usage"]) == ("chatcmpl-1", "m", {"prompt_tokens": 3})
    turns, _ = wire.normalise_messages(None, document)
    assert turns == [
        ["tool_call", '{"a":1}', "one", None],
        ["tool_call", "{}", "two", None],
        ["assistant", "bc", None, None],
    ]


def test_sound_refusals_legacy_functions_and_custom_tools_are_put_together() -> None:
    document, _ = assembled(
        "chat",
        choice(0, audio={"id": "a", "transcript": "Good "}),
        choice(0, audio={"transcript": "morning"}),
        choice(1, refusal="I can"),
        choice(1, refusal="not"),
        choice(2, function_call={"name": "old", "arguments": "{"}),
        choice(2, function_call={"arguments": "}"}),
        choice(3, tool_calls=[{"index": 0, "id": "c", "custom": {"name": "new", "input": "free "}}]),
        choice(3, tool_calls=[{"index": 0, "custom": {"input": "text"}}]),
    )
    turns, _ = wire.normalise_messages(None, document)
    assert [turn[:3] for turn in turns] == [
        ["assistant", "Good morning", None],
        ["assistant", "I cannot", None],
        ["tool_call", "{}", "old"],
        ["tool_call", "free text", "new"],
    ]


def test_an_answer_is_whole_when_every_choice_says_why_it_ended() -> None:
    assert not assembled("chat", choice(0, "stop"), choice(1, content="b"))[1]
    assert assembled("chat", choice(0, content="a"), "[DONE]")[1]
    assert not assembled("chat")[1]
    assert not assembled("responses", {"type": "response.output_text.delta", "output_index": 0, "delta": "a"})[1]
    assert not assembled("messages", {"type": "message_delta", "delta": {"stop_reason": None}})[1]


def test_a_last_response_without_output_keeps_what_came_before() -> None:
    document, is_whole = assembled(
        "responses",
        {"type": "response.created", "response": {"id": "resp_1", "model": "m"}},
        {"type": "response.output_text.delta", "output_index": 0, "delta": "Hello"},
        {"type": "response.completed", "response": {"id": "resp_1", "status": "completed", "output": []}},
    )
    assert (is_whole, document["status"], document["model"]) == (True, "completed", "m")
    assert wire.normalise_messages(None, document)[0] == [["assistant", "Hello", None, None]]


def test_anthropics_blocks_keep_their_places_and_thinking_is_left_out() -> None:
    document, _ = assembled(
        "messages",
        {"type": "message_start", "message": {"id": "msg_1", "model": "m", "role": "assistant", "usage": {"input_tokens": 3}}},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "thinking", "thinking": ""}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "thinking_delta", "thinking": "hm"}},
        {"type": "content_block_start", "index": 1, "content_block": {"type": "text", "text": ""}},
        {"type": "content_block_delta", "index": 1, "delta": {"type": "text_delta", "text": "Hello"}},
        {"type": "content_block_start", "index": 2, "content_block": {"type": "tool_use", "id": "t", "name": "now", "input": {}}},
        {"type": "message_delta", "delta": {"stop_reason": "tool_use"}, "usage": {"output_tokens": 5}},
    )  # fmt: skip
    assert document["usage"] == {"input_tokens": 3, "output_tokens": 5}
    assert wire.normalise_messages(None, document)[0] == [
        ["assistant", "Hello", None, None],
        ["tool_call", "{}", "now", None],
    ]


def test_a_stream_without_an_end_takes_bounded_memory() -> None:
    made = Assembly("chat")
    piece = json.dumps(choice(0, content="x" * 10_000))
    for _ in range(30):
        made.add([piece] * 10)
    for index in range(3 * parts.PLACES_AT_MOST):
        made.add([json.dumps(choice(index, content="y"))])
    assert made.size < parts.TEXT_CHARACTERS + 2 * parts.PLACES_AT_MOST
    document, _ = made.document()
    assert len(document["choices"]) == parts.PLACES_AT_MOST
    assert len(document["choices"][0]["message"]["content"]) == parts.TEXT_CHARACTERS


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
NAMES = st.sampled_from([
        "type", "index", "delta", "choices", "message", "content_block", "output_index", "item", "response",
        "usage", "tool_calls", "function", "audio", "id", "finish_reason", "content", "refusal", "arguments",
        "stop_reason", "partial_json", "text",
    ])  # fmt: skip
EVENTS = st.dictionaries(NAMES, st.recursive(JSON, lambda inner: st.dictionaries(NAMES, inner, max_size=3)), max_size=5)
TYPES = st.sampled_from([
        "response.created", "response.completed", "response.output_item.added", "response.output_text.delta",
        "message_start", "message_delta", "content_block_start", "content_block_delta",
    ])  # fmt: skip


@pytest.mark.parametrize("form", FORMS)
@settings(max_examples=150, deadline=None)
@given(events=st.lists(st.tuples(EVENTS, TYPES) | st.text(max_size=8), max_size=8))
def test_whatever_a_server_streams_something_can_be_recorded(form: str, events: list[Any]) -> None:
    told = [{**event[0], "type": event[1]} if isinstance(event, tuple) else event for event in events]
    document, _ = assembled(form, *told)
    turns, _ = wire.normalise_messages(None, document)
    assert all(isinstance(turn[1], str) for turn in turns)


def test_the_beginning_of_a_responses_stream_has_the_ids_of_its_items() -> None:
    made = Assembly("responses")
    item = {"type": "message", "id": "msg_0123456789abcdef", "role": "assistant"}
    events = (
        {"type": "response.created", "response": {"id": "resp_1"}},
        {"type": "response.output_item.added", "output_index": 0, "item": item},
    )
    made.leave([json.dumps(event) for event in events])
    assert [one["id"] for one in made.beginning()["output"]] == ["msg_0123456789abcdef"]
