"""One call that several instruments saw is one generation: by the response's id, or as spans within each other."""

from typing import Any

import pytest

from console.server.otlp import protobuf
from console.server.otlp.documents import Found
from console.server.otlp.lately import CALLS_AT_MOST, MOST, SECONDS, Call, Lately
from tests.console.server.otlp.samples import Emitted, chat, documents_of, found_in, in_protobuf

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


def requests(*spans: Emitted, lately: Lately | None = None) -> list[Found]:
    """What is read of these spans, each in a request of its own."""
    lately = lately or Lately()
    return [documents_of(protobuf.decode(in_protobuf(span)).spans, lately) for span in spans]


def ids(found: list[Found]) -> list[str]:
    return [document["id"] for one in found for document in one.documents]


def test_a_span_that_comes_after_the_one_within_it_is_named_by_that() -> None:
    inner = Emitted(attributes={**WITHOUT_TEXT, "gen_ai.response.id": RESPONSE}, span_id=B, parent_id=A)
    around = Emitted(attributes=LANGCHAIN, span_id=A, parent_id=D)
    outermost = Emitted(attributes=LANGCHAIN, span_id=D)
    assert ids(requests(inner, around, outermost, around)) == [RESPONSE] * 4


def test_a_span_that_comes_after_two_within_it_that_came_together_is_named_by_the_innermost() -> None:
    lately = Lately()
    inner = Emitted(attributes=WITHOUT_TEXT, span_id=B, parent_id=A)
    around = Emitted(attributes=LANGCHAIN, span_id=A, parent_id=D)
    together = documents_of(protobuf.decode(in_protobuf(inner, around)).spans, lately)
    found = [together, *requests(Emitted(attributes=LANGCHAIN, span_id=D), lately=lately)]
    assert ids(found) == [f"otlp-{inner.trace_id}-{B}"] * 2


def test_a_span_that_comes_after_several_calls_within_it_is_none() -> None:
    first, second = (
        Emitted(attributes={**WITHOUT_TEXT, "gen_ai.response.id": f"{RESPONSE}{place}"}, span_id=place, parent_id=A)
        for place in (B, C)
    )
    found = requests(first, second, first, Emitted(attributes=LANGCHAIN, span_id=A))
    assert ids(found) == [f"{RESPONSE}{B}", f"{RESPONSE}{C}", f"{RESPONSE}{B}"]
    assert found[-1].ignored == {"seen_twice": 1}


def test_a_span_that_tells_the_response_of_a_call_known_by_its_span_completes_that() -> None:
    inner = Emitted(attributes=WITHOUT_TEXT, span_id=B, parent_id=A)
    outer = Emitted(attributes={**LANGCHAIN, "gen_ai.response.id": RESPONSE}, span_id=A, parent_id=D)
    outermost = Emitted(attributes=LANGCHAIN, span_id=D)
    elsewhere = Emitted(attributes={**chat(), "gen_ai.response.id": RESPONSE}, span_id=C)
    assert ids(requests(inner, outer, outermost, outer, elsewhere)) == [f"otlp-{inner.trace_id}-{B}"] * 5


def test_a_response_that_was_seen_or_that_the_hook_has_recorded_keeps_its_id() -> None:
    seen = Emitted(attributes={**chat(), "gen_ai.response.id": RESPONSE}, span_id=C)
    inner = Emitted(attributes=WITHOUT_TEXT, span_id=B, parent_id=A)
    outer = Emitted(attributes={**LANGCHAIN, "gen_ai.response.id": RESPONSE}, span_id=A)
    assert ids(requests(seen, inner, outer))[-1] == RESPONSE
    told = Emitted(attributes={**LANGCHAIN, "aftertag.generation_id": RESPONSE}, span_id=A)
    assert ids(requests(inner, told))[-1] == RESPONSE


FAILED_IN_LANGCHAIN: dict[str, Any] = {
    "openinference.span.kind": "LLM",
    "llm.model_name": "gpt-5-mini",
    "llm.input_messages.0.message.content": "Why?",
    "llm.output_messages.0.message.role": "assistant",
}


def failed(attributes: dict[str, Any] = FAILED_IN_LANGCHAIN, **fields: Any) -> Emitted:
    return Emitted(attributes=attributes, failed=True, **fields)


def test_a_failed_call_with_an_answer_that_says_nothing_is_none() -> None:
    called = {"llm.output_messages.0.message.tool_calls.0.tool_call.function.name": "weather"}
    begun = {"llm.output_messages.0.message.content": "Because"}
    assert found_in(failed()).ignored == {"failed": 1}
    assert not found_in(failed()).documents
    for answer in (called, begun, {"llm.token_count.completion": 3}):
        assert len(found_in(failed({**FAILED_IN_LANGCHAIN, **answer})).documents) == 1


@pytest.mark.parametrize("tries", [(B,), (B, C)])
@pytest.mark.parametrize("in_one_request", [True, False])
def test_a_call_stands_though_tries_within_it_failed(tries: tuple[str, ...], in_one_request: bool) -> None:
    outer = Emitted(attributes={**LANGCHAIN, "llm.model_name": "claude"}, span_id=A)
    within = [failed(span_id=place, parent_id=A) for place in tries]
    found = [found_in(*within, outer)] if in_one_request else requests(*within, outer)
    [document] = [document for one in found for document in one.documents]
    assert (document["id"], document["model"]) == (f"otlp-{outer.trace_id}-{A}", "claude")
    assert document["finish_reason"] is None
    assert sum(one.ignored.get("failed", 0) for one in found) == len(tries)


def of_model(model: str, prompt: int, **more: Any) -> dict[str, Any]:
    return {**chat(), "gen_ai.request.model": model, "gen_ai.usage.input_tokens": prompt, **more}


@pytest.mark.parametrize("in_one_request", [True, False])
def test_a_call_around_another_models_call_stays_beside_it(in_one_request: bool) -> None:
    spans = (
        Emitted(attributes=of_model("guard-2", 7), span_id=B, parent_id=A),
        Emitted(attributes=of_model("gemini-3-pro", 40), span_id=C, parent_id=A),
        Emitted(attributes=of_model("google/gemini-3-pro", 40), span_id=A),
    )
    found = [found_in(*spans)] if in_one_request else requests(*spans)
    assert set(ids(found)) == {f"otlp-{spans[0].trace_id}-{place}" for place in (B, C)}
    alone = [found_in(spans[0], spans[2])] if in_one_request else requests(spans[0], spans[2])
    assert ids(alone) == [f"otlp-{spans[0].trace_id}-{place}" for place in (B, A)]


@pytest.mark.parametrize(
    "outer",
    [
        of_model("alias-of-the-router", 40),
        of_model("azure/gpt-5-mini-2025-08-07", 41),
        {**of_model("alias", 41), "gen_ai.response.model": "gpt-5-mini-2025-08-07"},
        {**LANGCHAIN, "llm.model_name": "alias"},
    ],
)
@pytest.mark.parametrize("in_one_request", [True, False])
def test_a_span_of_the_same_model_or_without_tokens_of_its_own_is_the_call_within_it(
    outer: dict[str, Any], in_one_request: bool
) -> None:
    spans = (
        Emitted(attributes=of_model("gpt-5-mini", 40), span_id=B, parent_id=A),
        Emitted(attributes=outer, span_id=A),
    )
    found = [found_in(*spans)] if in_one_request else requests(*spans)
    assert set(ids(found)) == {f"otlp-{spans[0].trace_id}-{B}"}


def test_another_workspace_cannot_name_a_call() -> None:
    lately = Lately()
    lately.remember(("evil", Emitted().trace_id, A), Call(generation_id="chosen-by-another-tenant"))
    lately.name("evil", RESPONSE, "chosen-by-another-tenant")
    assert ids(requests(Emitted(attributes={**chat(), "gen_ai.response.id": RESPONSE}), lately=lately)) == [RESPONSE]
    assert ids(requests(Emitted(attributes=LANGCHAIN, span_id=A), lately=lately)) == [f"otlp-{Emitted().trace_id}-{A}"]


def test_what_is_remembered_ends_with_time_and_with_number() -> None:
    now = [0.0]
    lately = Lately(clock=lambda: now[0])
    first, again = Call(generation_id="first"), Call(generation_id="again")
    lately.remember(("acme", "trace", A), first)
    now[0] = SECONDS + 1
    assert lately.within(("acme", "trace", A)) == ()
    lately.remember(("acme", "trace", A), again)
    lately.remember(("acme", "trace", A), again)
    assert lately.within(("acme", "trace", A)) == (again,)
    for number in range(MOST):
        lately.remember(("acme", "trace", f"{number}"), first)
    assert lately.within(("acme", "trace", A)) == ()
    for number in range(2 * CALLS_AT_MOST):
        lately.remember(("acme", "trace", A), Call(generation_id=f"{number}"))
    assert len(lately.within(("acme", "trace", A))) == CALLS_AT_MOST


@pytest.mark.parametrize(
    ("stated", "told_model", "expected"),
    [
        ({}, "gpt-5-mini", "told-by-the-hook"),
        ({}, None, "told-by-the-hook"),
        ({"llm.model_name": "gpt-5-mini-2025-08-07"}, "openai/gpt-5-mini", "told-by-the-hook"),
        ({"gen_ai.request.model": "azure/gpt-5-mini"}, "gpt-5-mini", "told-by-the-hook"),
        ({"llm.model_name": "claude-haiku-4-5"}, "gpt-5-mini", None),
        ({"gen_ai.response.id": RESPONSE}, "gpt-5-mini", RESPONSE),
    ],
)
def test_a_span_is_the_call_that_the_hook_told_it_of_unless_it_states_another(
    stated: dict[str, str], told_model: str | None, expected: str | None
) -> None:
    told = {**LANGCHAIN, "aftertag.generation_id": "told-by-the-hook", **stated}
    if told_model is not None:
        told["aftertag.generation_model"] = told_model
    one = Emitted(attributes=told)
    [document] = found_in(one).documents
    assert document["id"] == (expected or f"otlp-{one.trace_id}-{one.span_id}")
