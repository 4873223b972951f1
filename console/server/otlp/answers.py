"""What OTLP/HTTP answers, in the encoding of its request: how many spans were rejected and why, or a status."""

import json

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from console.server.otlp import protocol

PROTOBUF = "application/x-protobuf"
JSON = "application/json"

_CODES = {400: 3, 401: 16, 403: 7, 404: 5, 408: 4, 413: 8, 415: 3, 422: 3, 429: 8, 503: 14}
_INTERNAL = 13


def response(media_type: str, *, rejected: int, message: str) -> bytes:
    """An ExportTraceServiceResponse. The protocol wants its partial success left out when all went well."""
    if media_type == PROTOBUF:
        answer = ExportTraceServiceResponse()
        if rejected:
            answer.partial_success.rejected_spans = rejected
            answer.partial_success.error_message = message
        return bytes(answer.SerializeToString())
    if not rejected:
        return b"{}"
    partial = {"rejectedSpans": str(rejected), "errorMessage": message}
    return json.dumps({"partialSuccess": partial}, ensure_ascii=False).encode()


def status(media_type: str, *, http_status: int, message: str) -> bytes:
    """A google.rpc.Status, which is the body of every answer that is no success."""
    code = _CODES.get(http_status, _INTERNAL)
    if media_type == PROTOBUF:
        return bytes(protocol.status_class()(code=code, message=message).SerializeToString())
    return json.dumps({"code": code, "message": message}, ensure_ascii=False).encode()
