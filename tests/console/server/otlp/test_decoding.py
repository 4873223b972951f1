"""Bytes to spans, in both encodings, and the ways in which emitters write JSON differently."""

import base64
import json
from typing import Any

import pytest

from console.server import errors
from console.server.otlp import json_form, protobuf
from console.server.otlp.spans import DEEPEST, SPANS_AT_MOST, Span
from tests.console.server.otlp.samples import SPAN, TRACE, Emitted, in_json, in_protobuf

EVERYTHING = Emitted(
    name="chat",
    parent_id="ab" * 8,
    failed=True,
    attributes={"text": "ä€😀", "count": -7, "share": 0.5, "is": True, "many": ["a", 1], "map": {"inner": ["b"]}},
    resource={"service.name": "shop"},
    events=[("gen_ai.choice", {"index": 0})],
)


def test_both_encodings_give_the_same_span() -> None:
    [by_protobuf] = protobuf.decode(in_protobuf(EVERYTHING)).spans
    [by_json] = json_form.spans_of(json.loads(in_json(EVERYTHING))).spans
    assert by_protobuf == by_json
    assert by_protobuf.attributes == EVERYTHING.attributes
    assert (by_protobuf.trace_id, by_protobuf.span_id, by_protobuf.parent_id) == (TRACE, SPAN, "ab" * 8)
    assert by_protobuf.end_ns - by_protobuf.start_ns == 250_000_000
    assert (by_protobuf.failed, by_protobuf.scope, by_protobuf.resource) == (True, "tests", {"service.name": "shop"})
    assert [(event.name, event.attributes) for event in by_protobuf.events] == [("gen_ai.choice", {"index": 0})]


def json_span(span: dict[str, Any], *, names: tuple[str, str] = ("resourceSpans", "scopeSpans")) -> Span:
    [decoded] = json_form.spans_of({names[0]: [{names[1]: [{"spans": [span]}]}]}).spans
    return decoded


def test_names_in_snake_case_are_read() -> None:
    span = {
        "trace_id": TRACE,
        "span_id": SPAN,
        "start_time_unix_nano": 1_000,
        "end_time_unix_nano": "2000",
        "attributes": [{"key": "a", "value": {"string_value": "b"}}, {"key": "n", "value": {"int_value": "7"}}],
    }
    decoded = json_span(span, names=("resource_spans", "scope_spans"))
    assert (decoded.trace_id, decoded.start_ns, decoded.end_ns) == (TRACE, 1_000, 2_000)
    assert decoded.attributes == {"a": "b", "n": 7}


@pytest.mark.parametrize("given", [TRACE, TRACE.upper(), base64.b64encode(bytes.fromhex(TRACE)).decode()])
def test_an_id_is_read_in_hexadecimal_digits_and_in_base64(given: str) -> None:
    assert json_span({"traceId": given}).trace_id == TRACE


@pytest.mark.parametrize("code", [2, "2", "STATUS_CODE_ERROR"])
def test_a_status_is_read_by_number_and_by_name(code: object) -> None:
    assert json_span({"status": {"code": code}}).failed


@pytest.mark.parametrize("given", [-5, "-5", 2**64, "1" * 5_000, "soon", None, {}, 1e300])
def test_a_time_that_is_none_is_unknown(given: object) -> None:
    assert json_span({"startTimeUnixNano": given}).start_ns == 0


def test_attributes_as_one_object_and_values_without_their_wrapping_are_read() -> None:
    assert json_span({"attributes": {"a": "b", "n": {"intValue": 7}, "x": None}}).attributes == {
        "a": "b",
        "n": 7,
        "x": None,
    }


@pytest.mark.parametrize(
    "document",
    [{}, {"resourceSpans": None}, {"resource_spans": []}, {"resourceSpans": [{}, {"scopeSpans": [{"spans": None}]}]}],
)
def test_json_without_spans_is_an_empty_request(document: object) -> None:
    assert json_form.spans_of(document).spans == []


def test_an_empty_body_in_protobuf_is_an_empty_request() -> None:
    assert protobuf.decode(b"").spans == []


def test_a_text_that_is_no_utf_8_costs_nobody_else_their_spans() -> None:
    cut = in_protobuf(Emitted(attributes={"text": "so gr\u00fcn"}), Emitted()).replace("\u00fc".encode(), b"\xc3 ")
    first, second = protobuf.decode(cut).spans
    assert first.attributes == {"text": "so gr\ufffd n"}
    assert second.span_id == SPAN


@pytest.mark.parametrize("body", [b"\x00", b"not protobuf", in_protobuf(EVERYTHING)[:-3], b"\xff" * 100])
def test_what_is_no_protobuf_is_refused_without_quoting_it(body: bytes) -> None:
    with pytest.raises(errors.BadRequestError) as refused:
        protobuf.decode(body)
    assert str(refused.value) == "The body is no ExportTraceServiceRequest in protobuf."


def nested(depth: int) -> Any:
    value: Any = "deep"
    for _ in range(depth):
        value = [value]
    return value


def test_what_is_nested_too_deep_is_left_out_of_an_attribute() -> None:
    emitted = Emitted(attributes={"kept": nested(DEEPEST), "cut": nested(DEEPEST + 1)})
    for [span] in (protobuf.decode(in_protobuf(emitted)).spans, json_form.spans_of(json.loads(in_json(emitted))).spans):
        assert span.attributes["kept"] == nested(DEEPEST)
        assert "deep" not in str(span.attributes["cut"])


def test_protobuf_that_is_nested_a_hundred_deep_is_refused() -> None:
    value = _holding(1, b"deep")
    for _ in range(60):
        value = _holding(5, _holding(1, value))  # an AnyValue whose array holds the one before
    body = _holding(1, _holding(2, _holding(2, _holding(9, _holding(1, b"key") + _holding(2, value)))))
    with pytest.raises(errors.BadRequestError):
        protobuf.decode(body)


def _holding(field: int, inner: bytes) -> bytes:
    """A message's field with a length, as protobuf writes it."""
    length, size = b"", len(inner)
    while size > 0x7F:
        length, size = length + bytes([size & 0x7F | 0x80]), size >> 7
    return bytes([field << 3 | 2]) + length + bytes([size]) + inner


def test_spans_over_the_most_are_counted_and_not_read() -> None:
    empty = {"spanId": SPAN}
    decoded = json_form.spans_of({"resourceSpans": [{"scopeSpans": [{"spans": [empty] * (SPANS_AT_MOST + 3)}]}]})
    assert (len(decoded.spans), decoded.too_many) == (SPANS_AT_MOST, 3)
