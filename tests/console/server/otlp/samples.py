"""Requests of OTLP as emitters write them, in both encodings, from spans that a test spells out."""

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue

from api_hooks import wire
from console.server.otlp import documents, json_form, protobuf
from console.server.otlp.documents import Found
from console.server.otlp.lately import Lately
from console.server.otlp.spans import Span

TRACE = "5b8efff798038103d269b633813fc60c"
SPAN = "eee19b7ec3c1b174"


@dataclass(frozen=True, slots=True, kw_only=True)
class Emitted:
    """One span, and who emits it."""

    attributes: Mapping[str, Any] = field(default_factory=dict)
    resource: Mapping[str, Any] = field(default_factory=dict)
    events: Sequence[tuple[str, Mapping[str, Any]]] = ()
    name: str = "chat gpt-5-mini"
    scope: str = "tests"
    trace_id: str = TRACE
    span_id: str = SPAN
    parent_id: str = ""
    start_ns: int = field(default_factory=time.time_ns)
    milliseconds: int = 250
    failed: bool = False

    @property
    def end_ns(self) -> int:
        return self.start_ns + self.milliseconds * 1_000_000


def in_protobuf(*spans: Emitted) -> bytes:
    """A request as the SDKs write it."""
    request = ExportTraceServiceRequest()
    for one in spans:
        of_resource = request.resource_spans.add()
        of_resource.resource.attributes.extend(_pairs(one.resource))
        of_scope = of_resource.scope_spans.add()
        of_scope.scope.name = one.scope
        span = of_scope.spans.add(
            trace_id=bytes.fromhex(one.trace_id),
            span_id=bytes.fromhex(one.span_id),
            parent_span_id=bytes.fromhex(one.parent_id),
            name=one.name,
            start_time_unix_nano=one.start_ns,
            end_time_unix_nano=one.end_ns,
        )
        span.attributes.extend(_pairs(one.attributes))
        if one.failed:
            span.status.code = 2
        for name, attributes in one.events:
            span.events.add(name=name).attributes.extend(_pairs(attributes))
    return bytes(request.SerializeToString())


def in_json(*spans: Emitted) -> bytes:
    """The same request in JSON."""
    return json.dumps({"resourceSpans": [_of_resource(one) for one in spans]}).encode()


def found_in(*spans: Emitted) -> Found:
    """What is read of these spans; the same in both encodings."""
    by_protobuf = documents_of(protobuf.decode(in_protobuf(*spans)).spans)
    by_json = documents_of(json_form.spans_of(json.loads(in_json(*spans))).spans)
    assert by_protobuf == by_json
    return by_protobuf


def documents_of(spans: Sequence[Span], lately: Lately | None = None) -> Found:
    """What is read of a request's spans, after the requests that `lately` remembers."""
    return documents.read(spans, workspace="acme", lately=lately or Lately())


def generation_of(*spans: Emitted) -> dict[str, Any]:
    """The one generation among these spans, as the wire carries it."""
    [document] = found_in(*spans).documents
    return wire.generation({**document, "workspace": "acme"}, now=datetime.now(UTC), random_bytes=bytes(10))


def turns_of(attributes: Mapping[str, Any], **fields: Any) -> list[tuple[str, str]]:
    """Kind and text of the turns of one span's generation."""
    return [(kind, text) for kind, text, *_ in generation_of(Emitted(attributes=attributes, **fields))["turns"]]


def chat(text: str = "Why is the sky blue?", answer: str = "It scatters.", **more: Any) -> dict[str, Any]:
    """Attributes of a chat by today's conventions."""
    return {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": "gpt-5-mini",
        "gen_ai.input.messages": json.dumps([{"role": "user", "parts": [{"type": "text", "content": text}]}]),
        "gen_ai.output.messages": json.dumps([{"role": "assistant", "parts": [{"type": "text", "content": answer}]}]),
        "gen_ai.usage.input_tokens": 40,
        "gen_ai.usage.output_tokens": 8,
        **more,
    }


def _of_resource(one: Emitted) -> dict[str, Any]:
    span = {
        "traceId": one.trace_id,
        "spanId": one.span_id,
        "parentSpanId": one.parent_id,
        "name": one.name,
        "kind": 3,
        "startTimeUnixNano": str(one.start_ns),
        "endTimeUnixNano": str(one.end_ns),
        "attributes": _json_pairs(one.attributes),
        "status": {"code": 2} if one.failed else {},
        "events": [{"name": name, "attributes": _json_pairs(attributes)} for name, attributes in one.events],
    }
    return {
        "resource": {"attributes": _json_pairs(one.resource)},
        "scopeSpans": [{"scope": {"name": one.scope}, "spans": [span]}],
    }


def _pairs(attributes: Mapping[str, Any]) -> list[KeyValue]:
    return [KeyValue(key=key, value=_value(value)) for key, value in attributes.items()]


def _value(value: Any) -> AnyValue:
    made = AnyValue()
    match value:
        case bool():
            made.bool_value = value
        case int():
            made.int_value = value
        case float():
            made.double_value = value
        case str():
            made.string_value = value
        case list():
            made.array_value.values.extend(map(_value, value))
        case dict():
            made.kvlist_value.values.extend(_pairs(value))
    return made


def _json_pairs(attributes: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [{"key": key, "value": _json_value(value)} for key, value in attributes.items()]


def _json_value(value: Any) -> dict[str, Any]:
    match value:
        case bool():
            return {"boolValue": value}
        case int():
            return {"intValue": str(value)}
        case float():
            return {"doubleValue": value}
        case str():
            return {"stringValue": value}
        case list():
            return {"arrayValue": {"values": [_json_value(one) for one in value]}}
        case dict():
            return {"kvlistValue": {"values": _json_pairs(value)}}
    return {}
