"""Whatever a request holds, it is read within bounds, or refused in a sentence that quotes none of it."""

import json
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from api_hooks import wire
from console.server import errors
from console.server.otlp import json_form, protobuf
from console.server.otlp.documents import Found
from tests.console.server.otlp.samples import SPAN, TRACE, Emitted, chat, documents_of, found_in, in_json, in_protobuf
from tests.cpu import assert_cost_grows_with_size
from worker import generation

NAMES = (
    *("gen_ai.operation.name", "gen_ai.request.model", "gen_ai.response.id", "gen_ai.response.finish_reasons"),
    *("gen_ai.input.messages", "gen_ai.output.messages", "gen_ai.system_instructions", "gen_ai.tool.definitions"),
    *(
        "gen_ai.usage.input_tokens",
        "gen_ai.usage.raw",
        "gen_ai.usage.total_cost",
        "gen_ai.usage.cache_read.input_tokens",
    ),
    *("gen_ai.prompt", "gen_ai.completion", "gen_ai.prompt.0.content", "gen_ai.prompt.0.tool_calls.0.name"),
    *("gen_ai.prompt.0", "gen_ai.prompt.99999999", "gen_ai.prompt..", "gen_ai.completion.0.role"),
    *(
        "openinference.span.kind",
        "llm.input_messages.0.message.role",
        "llm.input_messages.0",
        "llm.output_messages.0.message",
    ),
    *("llm.output_messages.0.message.contents.0.message_content.text", "llm.tools.0.tool.json_schema", "output.value"),
    *("langfuse.observation.type", "langfuse.observation.input", "langfuse.observation.usage_details", "input.value"),
    *("ai.operationId", "ai.prompt.messages", "ai.response.text", "ai.response.toolCalls", "ai.prompt.tools"),
    *("llm.invocation_parameters", "request_data", "response_data", "events", "duration", "metadata", "user.id"),
    *("trace.metadata.x", "session.id", "llm.request.functions.0.name", "ai.usage.inputTokens", "operation.cost"),
)
scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20)
anything = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
messages = st.lists(
    st.dictionaries(st.sampled_from(["role", "parts", "content", "tool_calls", "type", "text", "name"]), anything),
    max_size=3,
)
values = st.one_of(
    st.sampled_from(["chat", "LLM", "generation", "ai.x.doStream", 7, -1, 2**63, "[{", '{"messages": [[]]}']),
    anything,
    anything.map(lambda value: json.dumps(value, default=str)),
    messages,
    messages.map(lambda value: json.dumps(value, default=str)),
)
attributes = st.dictionaries(st.sampled_from(NAMES), values, max_size=8)


def read(span: dict[str, Any]) -> Found:
    return documents_of(json_form.spans_of({"resourceSpans": [{"scopeSpans": [{"spans": [span]}]}]}).spans)


def recordable(found: Found) -> None:
    """Everything that is found can be recorded."""
    now = datetime.now(UTC)
    for document in found.documents:
        built = wire.generation({**document, "workspace": "acme"}, now=now, random_bytes=bytes(10))
        assert generation.storable(built) == built  # so that nobody need look again
        generation.read(built, now=now, past=timedelta(days=30))


@settings(max_examples=300, deadline=None)
@given(
    said=attributes,
    events=st.lists(st.tuples(st.sampled_from(["gen_ai.choice", "gen_ai.user.message"]), attributes), max_size=2),
)
def test_whatever_attributes_say_the_generation_can_be_recorded(said: dict[str, Any], events: list[Any]) -> None:
    written = [{"name": name, "attributes": inner} for name, inner in events]
    recordable(read({"name": "x", "attributes": {"gen_ai.operation.name": "chat"} | said, "events": written}))


@settings(max_examples=300, deadline=None)
@given(
    st.recursive(
        scalars,
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(
                    ["resourceSpans", "scopeSpans", "spans", "attributes", "events", "key", "value", "status", "name"]
                ),
                inner,
                max_size=4,
            )
        ),
        max_leaves=30,
    )
)
def test_whatever_json_says_it_is_read_or_refused(document: Any) -> None:
    with suppress(errors.BadRequestError):
        recordable(documents_of(json_form.spans_of(document).spans))


@pytest.mark.parametrize(
    ("document", "wanted"),
    [
        (5, "the whole is an object with a list `resourceSpans`"),
        ([], "the whole is an object with a list `resourceSpans`"),
        ({"resourceLogs": []}, "the whole is an object with a list `resourceSpans`"),
        ({"resourceSpans": 5}, "`resourceSpans` is a list of objects"),
        ({"resource_spans": {"scopeSpans": []}}, "`resourceSpans` is a list of objects"),
        ({"resourceSpans": [5]}, "`resourceSpans` is a list of objects"),
        ({"resourceSpans": [{"scopeSpans": "x"}]}, "`scopeSpans` is a list of objects"),
        ({"resourceSpans": [{"scopeSpans": [{"spans": [None]}]}]}, "`spans` is a list of objects"),
    ],
)
def test_a_document_of_another_shape_is_refused_in_a_sentence(document: Any, wanted: str) -> None:
    with pytest.raises(errors.BadRequestError) as raised:
        json_form.spans_of(document)
    assert raised.value.message == f"The JSON is no ExportTraceServiceRequest of OTLP: there {wanted}."


@pytest.mark.parametrize(("trace_id", "span_id"), [("00" * 16, SPAN), (TRACE, "00" * 8), ("00" * 16, "00" * 8)])
def test_spans_whose_ids_are_nothing_but_zeros_have_none(trace_id: str, span_id: str) -> None:
    zero = Emitted(attributes=chat(), trace_id=trace_id, span_id=span_id)
    found = found_in(zero, Emitted(attributes=chat("Another."), trace_id=trace_id, span_id=span_id, parent_id="00" * 8))
    assert [one["id"] for one in found.documents] == [None, None]
    in_base64 = {"attributes": chat(), "traceId": "A" * 22 + "==", "spanId": "A" * 11 + "="}
    assert [one["id"] for one in read(in_base64).documents] == [None]


def read_or_refused(body: bytes) -> str:
    """Return what a body is refused with, if it is."""
    try:
        recordable(documents_of(protobuf.decode(body).spans))
    except errors.BadRequestError as refused:
        return refused.message
    except generation.Unacceptable as unacceptable:  # a time that somebody changed
        return str(unacceptable)
    return ""


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=300))
def test_random_bytes_are_read_or_refused(body: bytes) -> None:
    assert read_or_refused(body) in ("", "The body is no ExportTraceServiceRequest in protobuf.")


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_a_request_with_bytes_changed_is_read_or_refused(data: st.DataObject) -> None:
    body = bytearray(in_protobuf(Emitted(attributes=chat()), Emitted(attributes=chat("ä"))))
    for _ in range(data.draw(st.integers(1, 4))):
        body[data.draw(st.integers(0, len(body) - 1))] = data.draw(st.integers(0, 255))
    assert "sky" not in read_or_refused(bytes(body[: data.draw(st.integers(0, len(body)))]))


@pytest.mark.parametrize(
    ("unit", "count"), [("so ", 3_000_000), ("[", 1_000_000), ('{"a":', 200_000), ('[{"role": "user"},', 100_000)]
)
def test_an_attribute_of_megabytes_costs_no_more_than_its_size(unit: str, count: int) -> None:
    def record(count: int) -> None:
        text = unit * count
        found = read({"attributes": chat() | {"gen_ai.input.messages": text, "metadata": text, "user.id": text}})
        recordable(found)

    assert_cost_grows_with_size(record, size=count, rounds=3)


@pytest.mark.parametrize(
    "name", ["gen_ai.output.messages", "langfuse.observation.input", "ai.prompt.messages", "output.value"]
)
@pytest.mark.parametrize(("opening", "closing"), [("[", "]"), ('{"a":', "}")])
def test_json_that_is_nested_as_deep_as_it_can_be_read_is_no_trouble(name: str, opening: str, closing: str) -> None:
    for depth in range(700, 1_000, 10):
        deep = opening * depth + "1" + closing * depth
        recordable(read({"attributes": chat() | {"langfuse.observation.type": "generation", name: deep}}))


def test_a_hundred_thousand_attributes_of_one_span_are_read_within_bounds() -> None:
    many = [(f"gen_ai.prompt.{number}.content", "x") for number in range(100_000)]

    def read_some(count: int) -> None:
        [document] = read({"attributes": {"llm.request.type": "chat"} | dict(many[:count])}).documents
        assert len(document["messages"]) == min(count, wire.TURNS_AT_MOST + 1)

    assert_cost_grows_with_size(read_some, size=len(many), rounds=3)


@pytest.mark.parametrize("start", [-1, 0, 1, 2**63, 2**64 - 1, 253402300799 * 10**9, "9" * 30])
def test_a_time_out_of_range_is_read_as_it_can_be(start: Any) -> None:
    [document] = read({"attributes": chat(), "startTimeUnixNano": start, "endTimeUnixNano": 5}).documents
    wire.generation({**document, "workspace": "acme"}, now=datetime.now(UTC), random_bytes=bytes(10))


def test_spans_say_nothing_of_their_text_in_their_repr() -> None:
    emitted = Emitted(name="secret name", attributes=chat("secret"), events=[("gen_ai.choice", {"message": "secret"})])
    decoded = json_form.spans_of(json.loads(in_json(emitted)))
    assert "secret" not in repr(decoded.spans) + repr(decoded) + repr(documents_of(decoded.spans))
