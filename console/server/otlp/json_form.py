"""OTLP in JSON: a request's document to spans; a field of another type than OTLP's is taken as missing.

Emitters differ: names in camelCase and in snake_case, ids in hexadecimal digits and in base64, integers as text and as
numbers, enumerations by number and by name, attributes as pairs and as one object.
"""

import base64
import binascii
from collections.abc import Iterator
from typing import Any

from console.server import errors
from console.server.otlp.spans import DEEPEST, SPANS_AT_MOST, Decoded, Event, Span

_ERRORS = (2, "2", "STATUS_CODE_ERROR", "ERROR")
_TRACE_BYTES, _SPAN_BYTES = 16, 8
_ID_CHARACTERS = 64
_DIGITS = 20  # the most that a number of 64 bits has
_MISSING = object()
_RESOURCES = ("resourceSpans", "resource_spans")


def spans_of(document: Any) -> Decoded:
    """Return the spans in the order they came; an empty document is an empty request.

    Raise BadRequestError for a document of another shape, whose sender would take an empty answer for success.
    """
    if not isinstance(document, dict) or (document and not any(name in document for name in _RESOURCES)):
        raise _another_shape("the whole is an object with a list `resourceSpans`")
    spans: list[Span] = []
    too_many = 0
    for of_resource in _objects(document, *_RESOURCES):
        resource = _attributes(_field(_field(of_resource, "resource"), "attributes"))
        for of_scope in _objects(of_resource, "scopeSpans", "scope_spans"):
            scope = _text(_field(_field(of_scope, "scope"), "name"))
            for span in _objects(of_scope, "spans"):
                if len(spans) < SPANS_AT_MOST:
                    spans.append(_span(span, resource=resource, scope=scope))
                else:
                    too_many += 1
    return Decoded(spans=spans, too_many=too_many)


def _span(span: dict[str, Any], *, resource: dict[str, Any], scope: str) -> Span:
    return Span(
        name=_text(_field(span, "name")),
        trace_id=_id(_field(span, "traceId", "trace_id"), _TRACE_BYTES),
        span_id=_id(_field(span, "spanId", "span_id"), _SPAN_BYTES),
        parent_id=_id(_field(span, "parentSpanId", "parent_span_id"), _SPAN_BYTES),
        start_ns=_time(_field(span, "startTimeUnixNano", "start_time_unix_nano")),
        end_ns=_time(_field(span, "endTimeUnixNano", "end_time_unix_nano")),
        failed=_field(_field(span, "status"), "code") in _ERRORS,
        scope=scope,
        attributes=_attributes(_field(span, "attributes")),
        resource=resource,
        events=[
            Event(name=_text(_field(event, "name")), attributes=_attributes(_field(event, "attributes")))
            for event in _listed(_field(span, "events"))
        ],
    )


def _attributes(given: Any, depth: int = 0) -> dict[str, Any]:
    if isinstance(given, dict):
        return {str(key): _value(value, depth) for key, value in given.items()}
    if not isinstance(given, list):
        return {}
    return {
        pair["key"]: _value(pair.get("value"), depth)
        for pair in given
        if isinstance(pair, dict) and isinstance(pair.get("key"), str)
    }


def _value(value: Any, depth: int) -> Any:
    """What an AnyValue holds; a value without its wrapping is taken as it is."""
    if not isinstance(value, dict):
        return value if isinstance(value, str | bool | int | float) else None
    if (text := _field(value, "stringValue", "string_value")) is not None:
        return text if isinstance(text, str) else None
    if (number := _field(value, "intValue", "int_value")) is not None:
        return _integer(number)
    if (number := _field(value, "doubleValue", "double_value", "boolValue", "bool_value")) is not None:
        return number if isinstance(number, int | float | str) else None
    if (listed := _field(value, "arrayValue", "array_value")) is not None:
        values = _field(listed, "values")
        return [_value(one, depth + 1) for one in values] if isinstance(values, list) and depth < DEEPEST else []
    if (pairs := _field(value, "kvlistValue", "kvlist_value")) is not None:
        return _attributes(_field(pairs, "values"), depth + 1) if depth < DEEPEST else {}
    return None


def _listed(given: Any) -> Iterator[dict[str, Any]]:
    return (one for one in given if isinstance(one, dict)) if isinstance(given, list) else iter(())


def _objects(source: Any, *names: str) -> Iterator[dict[str, Any]]:
    """Those that a request is made of: what is left out here, nobody would hear of."""
    found = _field(source, *names)
    if found is None:
        return
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
        raise _another_shape(f"`{names[0]}` is a list of objects")
    yield from found


def _another_shape(wanted: str) -> errors.BadRequestError:
    return errors.BadRequestError(f"The JSON is no ExportTraceServiceRequest of OTLP: there {wanted}.")


def _field(source: Any, *names: str) -> Any:
    if isinstance(source, dict):
        for name in names:
            value = source.get(name, _MISSING)
            if value is not _MISSING and value is not None:
                return value
    return None


def _id(given: Any, length: int) -> str:
    """An id in hexadecimal digits; one in base64, as protobuf's own JSON would have it, too."""
    if not isinstance(given, str):
        return ""
    if not given.strip("0"):  # what stands for no id
        return ""
    if len(given) == 2 * length:
        return given.lower()
    try:
        raw = base64.b64decode(given, validate=True) if len(given) < 2 * length else b""
    except (binascii.Error, ValueError):
        raw = b""
    return (raw.hex() if any(raw) else "") if len(raw) == length else given[:_ID_CHARACTERS]


def _time(given: Any) -> int:
    moment = _integer(given)
    return moment if moment is not None and 0 < moment < 2**64 else 0


def _integer(given: Any) -> int | None:
    if type(given) is int:
        return given
    if isinstance(given, str) and len(given) <= _DIGITS and given.removeprefix("-").isdecimal() and given.isascii():
        return int(given)
    return int(given) if isinstance(given, float) and given.is_integer() else None


def _text(given: Any) -> str:
    return given if isinstance(given, str) else ""
