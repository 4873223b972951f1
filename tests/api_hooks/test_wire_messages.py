import inspect
import json
from collections import deque
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from api_hooks import wire
from tests.api_hooks import hostile

UNREADABLE = wire.UNREADABLE


def turns(messages: Any, output: Any = None) -> list[list[Any]]:
    return wire.normalise_messages(messages, output)[0]


def said(messages: Any, output: Any = None) -> list[tuple[str, str]]:
    return [(kind, text) for kind, text, _, _ in turns(messages, output)]


def call(name: str, arguments: Any, call_id: str = "c1") -> dict[str, Any]:
    return {"id": call_id, "type": "function", "function": {"name": name, "arguments": arguments}}


class Message(BaseModel):
    role: str
    content: Any
    tool_calls: list[Any] | None = None


@dataclass
class Choice:
    message: Any
    finish_reason: str = "stop"


@dataclass
class Completion:
    choices: list[Choice]
    model: str = "gpt-4o-mini-2024"
    object: str = "chat.completion"
    usage: dict[str, Any] = field(default_factory=lambda: {"prompt_tokens": 3, "completion_tokens": 2})


class OnlyDumps:
    """Like a model whose fields are not attributes."""

    def model_dump(self) -> dict[str, Any]:
        return {"role": "user", "content": "dumped"}


def test_a_chat_completion_becomes_turns_in_order() -> None:
    messages = [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Weather?"},
        {"role": "assistant", "content": None, "tool_calls": [call("weather", '{"city": "Bern"}')]},
        {"role": "tool", "tool_call_id": "c1", "content": "rain"},
    ]
    assert turns(messages, "It rains.") == [
        ["system", "Be brief.", None, None],
        ["user", "Weather?", None, None],
        ["tool_call", '{"city": "Bern"}', "weather", None],
        ["tool_result", "rain", "weather", None],
        ["assistant", "It rains.", None, None],
    ]


def test_an_anthropic_conversation_becomes_turns_in_order() -> None:
    messages = [
        {"role": "system", "content": [{"type": "text", "text": "Be brief.", "cache_control": {"type": "ephemeral"}}]},
        {"role": "user", "content": "Weather?"},
        {
            "role": "assistant",
            "content": [
                {"type": "thinking", "thinking": "hm", "signature": "x"},
                {"type": "text", "text": "I look."},
                {"type": "tool_use", "id": "t1", "name": "weather", "input": {"city": "Zürich"}},
            ],
        },
        {
            "role": "user",
            "content": [
                {"type": "tool_result", "tool_use_id": "t1", "content": [{"type": "text", "text": "rain"}]},
                {"type": "text", "text": "And?"},
            ],
        },
    ]
    output = {"type": "message", "role": "assistant", "content": [{"type": "text", "text": "Wet."}]}
    assert turns(messages, output) == [
        ["system", "Be brief.", None, None],
        ["user", "Weather?", None, None],
        ["assistant", "I look.", None, None],
        ["tool_call", '{"city": "Zürich"}', "weather", None],
        ["tool_result", "rain", "weather", None],
        ["user", "And?", None, None],
        ["assistant", "Wet.", None, None],
    ]


def test_responses_items_become_turns_in_order() -> None:
    messages = [
        {"role": "developer", "content": "Be brief."},
        {"role": "user", "content": [{"type": "input_text", "text": "See"}, {"type": "input_image", "image_url": "x"}]},
        {"type": "reasoning", "summary": []},
        {"type": "function_call", "call_id": "c9", "name": "weather", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "c9", "output": "rain"},
        {"type": "web_search_call", "id": "w", "action": {"type": "search", "query": "bern"}},
    ]
    answer = {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "Wet."}]}
    assert turns(messages, {"object": "response", "output": [{"type": "reasoning"}, answer]}) == [
        ["system", "Be brief.", None, None],
        ["user", "See\n[image]", None, None],
        ["tool_call", "{}", "weather", None],
        ["tool_result", "rain", "weather", None],
        ["tool_call", '{"type": "search", "query": "bern"}', "web_search", None],
        ["assistant", "Wet.", None, None],
    ]


def test_objects_read_as_documents_do() -> None:
    whole = Completion([Choice(Message(role="assistant", content=None, tool_calls=[call("f", "{}")]))])
    assert turns([Message(role="user", content="hi")], whole) == [
        ["user", "hi", None, None],
        ["tool_call", "{}", "f", None],
    ]
    assert said([OnlyDumps()]) == [("user", "dumped")]


@pytest.mark.parametrize(
    ("messages", "expected"),
    [
        (None, []),
        ([], []),
        ("hello", [("user", "hello")]),
        (b"hello", [("user", "hello")]),
        ({"role": "user", "content": "one"}, [("user", "one")]),
        (deque([{"role": "user", "content": "one"}]), [("user", "one")]),
        (["a", None, "b"], [("user", "a"), ("user", "b")]),
        (
            [("system", "a"), ("tool", "b"), ("odd", "c"), ("user", 1)],
            [("system", "a"), ("tool_result", "b"), ("user", "c"), ("user", UNREADABLE)],
        ),
        ([{"role": "user", "content": ""}], [("user", "")]),
        ([{"role": "user"}], [("user", "")]),
        ([{}], [("user", "")]),
        ({"system": "s", "messages": [{"role": "user", "content": "u"}]}, [("system", "s"), ("user", "u")]),
        ({"instructions": "s", "input": "u"}, [("system", "s"), ("user", "u")]),
        ({"messages": 7}, [("user", UNREADABLE)]),
        ([{"content": "no role"}], [("user", "no role")]),
        ([{"role": "narrator", "content": "x"}], [("user", "x")]),
        ([{"role": ["user"], "content": "x"}], [("user", "x")]),
        ([{"role": "SYSTEM", "content": "x"}], [("system", "x")]),
        ([{"role": "tool", "content": "x"}], [("tool_result", "x")]),
        ([{"role": "tool", "content": {"n": 1}}], [("tool_result", '{"n": 1}')]),
        ([{"role": "user", "content": [None, "a", {"type": "text", "text": "b"}]}], [("user", "a\nb")]),
        ([{"role": "user", "content": [{"type": "input_audio", "input_audio": {}}]}], [("user", "[audio]")]),
        ([{"role": "user", "content": [{"type": "file", "file": {}}]}], [("user", "[file]")]),
        ([{"role": "user", "parts": [{"type": "blob", "modality": "image", "content": "A"}]}], [("user", "[image]")]),
        ([{"role": "user", "parts": [{"type": "uri", "modality": "audio", "uri": "x"}]}], [("user", "[audio]")]),
        ([{"role": "user", "parts": [{"type": "file", "modality": "document", "id": "x"}]}], [("user", "[file]")]),
        ([{"role": "user", "content": [{"type": "image", "source": {"data": "A" * 9}}]}], [("user", "[image]")]),
        ([{"role": "user", "content": [{"type": "hologram"}]}], [("user", UNREADABLE)]),
        ([{"role": "user", "parts": [{"text": "gemini"}]}], [("user", "gemini")]),
        (
            [{"role": "model", "parts": [{"function_call": {"name": "f", "args": {"a": 1}}}]}],
            [("tool_call", '{"a": 1}')],
        ),
        ([{"role": "assistant", "content": None, "refusal": "No."}], [("assistant", "No.")]),
        ([{"role": "assistant", "content": None, "audio": {"transcript": "spoken"}}], [("assistant", "spoken")]),
        ([{"role": "assistant", "content": "", "tool_calls": [call("f", "{}")]}], [("tool_call", "{}")]),
        (
            [{"role": "assistant", "content": "t", "function_call": {"name": "f", "arguments": "1"}}],
            [("assistant", "t"), ("tool_call", "1")],
        ),
        ([{"role": "assistant", "tool_calls": [call("f", '{"broken": ')]}], [("tool_call", '{"broken": ')]),
        ([{"role": "assistant", "tool_calls": [call("f", {"a": {1}})]}], [("tool_call", '{"a": "[unreadable]"}')]),
        ([{"role": "assistant", "tool_calls": [None, 7]}], [("tool_call", ""), ("tool_call", "")]),
        ([{"role": "user", "content": "a\x00b\ud800c"}], [("user", "a\ufffdb\ufffdc")]),
        (iter(["taken away"]), [("user", UNREADABLE)]),
        (42, [("user", UNREADABLE)]),
        ([42], [("user", UNREADABLE)]),
        (hostile.RaisesOnEverything, [("user", UNREADABLE)]),
        (lambda: [hostile.RaisesOnEverything(), "next"], [("user", UNREADABLE), ("user", "next")]),
        (lambda: [{"role": "user", "content": hostile.RaisesOnEverything()}], [("user", UNREADABLE)]),
        (lambda: [hostile.HostileStr("plain")], [("user", "plain")]),
        (lambda: [{"role": "user", "content": hostile.HostileStr("plain")}], [("user", "plain")]),
        (lambda: hostile.HostileList(["x"]), [("user", "x")]),
        (lambda: [hostile.HostileDict(role="user", content="x")], [("user", UNREADABLE)]),
        (hostile.recursive_list, [("user", UNREADABLE)]),
        (lambda: [{"role": "tool", "content": hostile.nested(100_000)}], [("tool_result", UNREADABLE)]),
    ],
)
def test_every_odd_input_has_its_result(messages: Any, expected: list[tuple[str, str]]) -> None:
    assert said(messages() if inspect.isroutine(messages) or inspect.isclass(messages) else messages) == expected


def test_a_message_that_holds_itself_is_unreadable() -> None:
    assert [text for _, text in said([hostile.recursive_message()])] == [UNREADABLE]


def test_a_generator_is_left_to_its_owner() -> None:
    chunks = iter(["a", "b"])
    turns(None, chunks)
    assert list(chunks) == ["a", "b"]


@pytest.mark.parametrize("length", [5_000, 5_001])
def test_a_turn_of_up_to_5001_characters_is_kept_whole(length: int) -> None:
    assert turns("é" * length) == [["user", "é" * length, None, None]]


def test_a_longer_turn_keeps_5001_characters_and_its_length() -> None:
    assert turns("é" * 10_000_000) == [["user", "é" * 5_001, None, 10_000_000]]


def test_parts_are_cut_together_and_their_length_counts_the_lines_between() -> None:
    parts = [{"type": "text", "text": "a" * 4_000}, {"type": "text", "text": "b" * 4_000}]
    assert turns([{"role": "user", "content": parts}]) == [["user", "a" * 4_000 + "\n" + "b" * 1_000, None, 8_001]]


def test_tools_are_kept_by_name_only() -> None:
    tools = [
        {"type": "function", "function": {"name": "a", "parameters": {"secret": 1}}},
        {"name": "b", "input_schema": {}},
        {"type": "web_search"},
        {"function_declarations": [{"name": "c"}, {"name": "d"}]},
        "e",
        "a",
        len,
        None,
        hostile.RaisesOnEverything(),
        {"function": {"name": 7}},
        "f" * 600,
    ]
    assert wire.normalise_messages(None, None, tools)[1] == ["a", "b", "web_search", "c", "d", "e", "len", "f" * 512]
    assert wire.normalise_messages(None, None, {"name": "alone"})[1] == ["alone"]
    assert wire.normalise_messages(None, None, {"x": {}, "y": {}})[1] == ["x", "y"]
    assert wire.normalise_messages(None, None, 7)[1] == []


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["role", "content", "type", "text", "tool_calls", "function", "name", "arguments", "x"]),
            inner | st.sampled_from(["user", "assistant", "tool", "text", "tool_use", "tool_result", "reasoning"]),
            max_size=5,
        )
    ),
    max_leaves=30,
)


@settings(max_examples=300, deadline=None)
@given(messages=ANYTHING, output=ANYTHING, tools=ANYTHING)
def test_whatever_is_given_the_turns_keep_the_contract(messages: Any, output: Any, tools: Any) -> None:
    found, names = wire.normalise_messages(messages, output, tools)
    json.dumps([found, names], ensure_ascii=False).encode()
    for kind, text, name, length in found:
        assert kind in wire.KINDS
        assert type(text) is str
        assert len(text) <= 5_001
        assert name is None or 1 <= len(name) <= 512
        assert length is None or length > len(text)
        assert "\x00" not in text
