"""Requests of OTLP as a batch processor's exporter makes them: 512 spans of model calls, 4 KB of transcript each."""

import json
import os
import time

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tests.benchmarks.stage import texts

SPANS = 512
"""What OpenTelemetry's BatchSpanProcessor exports at once by default."""

CHARACTERS = 4_000
_DIFFERENT = 500


def in_protobuf(prefix: str) -> bytes:
    """One request whose response ids begin with `prefix`."""
    return _request(prefix).SerializeToString()


def in_json(prefix: str) -> bytes:
    """The same in JSON."""
    request = _request(prefix)
    [of_resource] = request.resource_spans
    spans = [
        {
            "traceId": span.trace_id.hex(),
            "spanId": span.span_id.hex(),
            "name": span.name,
            "startTimeUnixNano": str(span.start_time_unix_nano),
            "endTimeUnixNano": str(span.end_time_unix_nano),
            "attributes": [{"key": pair.key, "value": _json_value(pair.value)} for pair in span.attributes],
        }
        for span in of_resource.scope_spans[0].spans
    ]
    resource = {"attributes": [{"key": "service.name", "value": {"stringValue": "bench"}}]}
    return json.dumps({"resourceSpans": [{"resource": resource, "scopeSpans": [{"spans": spans}]}]}).encode()


def _request(prefix: str) -> ExportTraceServiceRequest:
    request = ExportTraceServiceRequest()
    of_resource = request.resource_spans.add()
    of_resource.resource.attributes.add(key="service.name").value.string_value = "bench"
    of_scope = of_resource.scope_spans.add()
    of_scope.scope.name = "opentelemetry.instrumentation.genai.openai"
    for number in range(SPANS):
        now = time.time_ns()
        span = of_scope.spans.add(
            trace_id=os.urandom(16),
            span_id=os.urandom(8),
            name="chat gpt-5-mini",
            kind=3,
            start_time_unix_nano=now - 900_000_000,
            end_time_unix_nano=now,
        )
        for key, value in _attributes(f"chatcmpl-{prefix}-{number:08}", seed=number % _DIFFERENT).items():
            pair = span.attributes.add(key=key)
            if isinstance(value, int):
                pair.value.int_value = value
            elif isinstance(value, str):
                pair.value.string_value = value
            else:
                pair.value.array_value.values.add(string_value=value[0])
    return request


def _attributes(response_id: str, *, seed: int) -> dict[str, str | int | list[str]]:
    """What OpenTelemetry's own instrumentation of the OpenAI SDK writes."""
    *asked, answered = (
        {"role": kind, "parts": [{"type": "text", "content": said}]}
        for kind, said, *_ in texts.turns(CHARACTERS, seed=seed)
    )
    return {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": "gpt-5-mini",
        "gen_ai.response.model": "gpt-5-mini-2025-08-07",
        "gen_ai.response.id": response_id,
        "gen_ai.response.finish_reasons": ["stop"],
        "gen_ai.conversation.id": f"session-{seed % 40}",
        "user.id": f"user-{seed % 50}",
        "gen_ai.usage.input_tokens": 900,
        "gen_ai.usage.output_tokens": 120,
        "gen_ai.usage.cache_read.input_tokens": 512,
        "gen_ai.usage.reasoning.output_tokens": 64,
        "gen_ai.input.messages": json.dumps(asked),
        "gen_ai.output.messages": json.dumps([answered]),
        "openai.response.system_fingerprint": "fp_0123456789",
        "server.address": "api.openai.com",
        "server.port": 443,
    }


def _json_value(value: object) -> dict[str, object]:
    match value.WhichOneof("value"):  # type: ignore[attr-defined]
        case "string_value":
            return {"stringValue": value.string_value}  # type: ignore[attr-defined]
        case "int_value":
            return {"intValue": str(value.int_value)}  # type: ignore[attr-defined]
        case _:
            values = value.array_value.values  # type: ignore[attr-defined]
            return {"arrayValue": {"values": [_json_value(one) for one in values]}}
