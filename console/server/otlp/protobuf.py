"""OTLP in protobuf: a request's bytes to spans."""

from collections.abc import Iterable
from typing import Any

from google.protobuf.message import DecodeError

from console.server import errors
from console.server.otlp import protocol
from console.server.otlp.spans import DEEPEST, SPANS_AT_MOST, Decoded, Event, Span

_ERROR = 2  # Status.STATUS_CODE_ERROR


def decode(body: bytes) -> Decoded:
    """Return the spans in the order they came. Raise BadRequestError, also for what is nested 100 deep."""
    try:
        request = protocol.request_class().FromString(body)
    except DecodeError:
        raise errors.BadRequestError("The body is no ExportTraceServiceRequest in protobuf.") from None
    spans: list[Span] = []
    too_many = 0
    for of_resource in request.resource_spans:
        resource = _attributes(of_resource.resource.attributes)
        for of_scope in of_resource.scope_spans:
            scope = _text(of_scope.scope.name)
            for span in of_scope.spans:
                if len(spans) < SPANS_AT_MOST:
                    spans.append(_span(span, resource=resource, scope=scope))
                else:
                    too_many += 1
    return Decoded(spans=spans, too_many=too_many)


def _span(span: Any, *, resource: dict[str, Any], scope: str) -> Span:
    return Span(
        name=_text(span.name),
        trace_id=_id(span.trace_id),
        span_id=_id(span.span_id),
        parent_id=_id(span.parent_span_id),
        start_ns=span.start_time_unix_nano,
        end_ns=span.end_time_unix_nano,
        failed=span.status.code == _ERROR,
        scope=scope,
        attributes=_attributes(span.attributes),
        resource=resource,
        events=[Event(name=_text(event.name), attributes=_attributes(event.attributes)) for event in span.events],
    )


def _id(raw: bytes) -> str:
    """An id of nothing but zeros stands for none."""
    return raw.hex() if any(raw) else ""


def _attributes(pairs: Iterable[Any], depth: int = 0) -> dict[str, Any]:
    return {pair.key.decode("utf-8", "replace"): _value(pair.value, depth) for pair in pairs}


def _value(value: Any, depth: int = 0) -> Any:
    kind = value.WhichOneof("value")
    if kind == "string_value":  # most are
        return value.string_value.decode("utf-8", "replace")
    if kind == "array_value":
        return [_value(one, depth + 1) for one in value.array_value.values] if depth < DEEPEST else None
    if kind == "kvlist_value":
        return _attributes(value.kvlist_value.values, depth + 1) if depth < DEEPEST else None
    return getattr(value, kind) if kind is not None else None


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "replace")
