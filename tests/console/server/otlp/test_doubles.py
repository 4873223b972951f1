"""One call that several instruments saw is one generation: by the response's id, or as spans within each other."""

from typing import Any

from tests.console.server.otlp.samples import Emitted, chat, found_in

RESPONSE = "chatcmpl-0123456789abcdef"
A, B, C, D = ("aa" * 8, "bb" * 8, "cc" * 8, "dd" * 8)
WITHOUT_TEXT: dict[str, Any] = {
    name: value for name, value in chat().items() if name not in ("gen_ai.input.messages", "gen_ai.output.messages")
}
LANGCHAIN: dict[str, Any] = {
    "openinference.span.kind": "LLM",
    "llm.input_messages.0.message.content": "Why?",
    "llm.output_messages.0.message.content": "Because.",
    "session.id": "s-1",
}


def test_two_spans_of_one_response_are_one_generation_with_what_either_says() -> None:
    found = found_in(
        Emitted(attributes={**WITHOUT_TEXT, "gen_ai.response.id": RESPONSE}, span_id=A, trace_id="12" * 16),
        Emitted(attributes={**chat(), "gen_ai.response.id": RESPONSE, "user.id": "u-17"}, span_id=B),
    )
    [document] = found.documents
    assert (document["id"], document["user"]) == (RESPONSE, "u-17")
    assert document["messages"]
    assert document["output"]
    assert (found.ignored, found.without_text) == ({"seen_twice": 1}, 0)


def test_openinference_names_the_same_response_in_what_came_out() -> None:
    whole = {"openinference.span.kind": "LLM", "output.value": f'{{"id": "{RESPONSE}", "choices": []}}'}
    langchain = {**LANGCHAIN, "output.value": f'{{"generations": [], "llm_output": {{"id": "{RESPONSE}"}}}}'}
    found = found_in(
        Emitted(attributes={**chat(), "gen_ai.response.id": RESPONSE}, span_id=A),
        Emitted(attributes=whole, span_id=B),
        Emitted(attributes=langchain, span_id=C),
    )
    assert [one["id"] for one in found.documents] == [RESPONSE]


def test_of_spans_within_each_other_the_innermost_is_the_call() -> None:
    found = found_in(
        Emitted(attributes=LANGCHAIN, span_id=A),
        Emitted(attributes={**WITHOUT_TEXT, "gen_ai.response.id": RESPONSE}, span_id=B, parent_id=A),
    )
    [document] = found.documents
    assert (document["id"], document["session_id"]) == (RESPONSE, "s-1")
    assert document["messages"] == [
        {"role": None, "content": "Why?", "name": None, "tool_call_id": None},
    ]
    assert document["usage"] == {"prompt": 40, "completion": 8}
    assert (found.ignored, found.without_text) == ({"seen_twice": 1}, 0)


def test_a_span_around_several_calls_is_none_and_its_usage_is_theirs() -> None:
    outer = {**chat("all of it"), "gen_ai.usage.input_tokens": 80, "session.id": "s-1"}
    found = found_in(
        Emitted(attributes=outer, span_id=A),
        Emitted(attributes=WITHOUT_TEXT, span_id=B, parent_id=A),
        Emitted(attributes=WITHOUT_TEXT, span_id=C, parent_id=A),
    )
    assert [(one["usage"]["prompt"], one["session_id"], one["messages"]) for one in found.documents] == [
        (40, "s-1", None),
        (40, "s-1", None),
    ]


def test_a_span_of_another_trace_with_the_same_id_is_another_call() -> None:
    found = found_in(
        Emitted(attributes=chat(), span_id=A),
        Emitted(attributes=chat(), span_id=B, parent_id=A, trace_id="12" * 16),
    )
    assert len(found.documents) == 2


def test_spans_that_claim_to_be_within_each_other_in_a_circle_all_stay() -> None:
    found = found_in(
        Emitted(attributes=chat(), span_id=A, parent_id=B),
        Emitted(attributes=chat(), span_id=B, parent_id=A),
        Emitted(attributes=chat(), span_id=C, parent_id=C),
    )
    assert len(found.documents) == 3


def test_thousands_of_spans_within_each_other_cost_no_more_than_their_number() -> None:
    ids = [f"{number:016x}" for number in range(1, 2_001)]
    chain = [
        Emitted(attributes={"openinference.span.kind": "LLM"}, span_id=id_, parent_id=parent)
        for id_, parent in zip(ids, ["", *ids], strict=False)
    ]
    leaves = [
        Emitted(attributes={"openinference.span.kind": "LLM"}, span_id=f"f{id_[1:]}", parent_id=id_) for id_ in ids
    ]
    assert len(found_in(*chain, *leaves).documents) >= len(leaves)
