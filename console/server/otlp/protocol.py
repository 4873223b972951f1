"""OTLP's protobuf messages, as its own package declares them, but for strings: those are bytes here.

protobuf refuses a whole request for one byte that is no UTF-8, such as a text that an emitter cut within a letter.
"""

from collections.abc import Iterable
from functools import cache
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2
from opentelemetry.proto.common.v1 import common_pb2
from opentelemetry.proto.resource.v1 import resource_pb2
from opentelemetry.proto.trace.v1 import trace_pb2

_FILES = (common_pb2, resource_pb2, trace_pb2, trace_service_pb2)  # each after those that it uses
_Field = descriptor_pb2.FieldDescriptorProto


@cache
def request_class() -> Any:
    """ExportTraceServiceRequest, with bytes in place of strings."""
    pool = descriptor_pool.DescriptorPool()
    for file in _FILES:
        declared = descriptor_pb2.FileDescriptorProto()
        file.DESCRIPTOR.CopyToProto(declared)
        _take_bytes(declared.message_type)
        pool.AddSerializedFile(declared.SerializeToString())
    name = trace_service_pb2.ExportTraceServiceRequest.DESCRIPTOR.full_name
    return message_factory.GetMessageClass(pool.FindMessageTypeByName(name))


@cache
def status_class() -> Any:
    """google.rpc.Status, as far as OTLP uses it."""
    declared = descriptor_pb2.FileDescriptorProto(name="google/rpc/status.proto", package="google.rpc", syntax="proto3")
    status = declared.message_type.add(name="Status")
    status.field.add(name="code", number=1, type=_Field.TYPE_INT32, label=_Field.LABEL_OPTIONAL)
    status.field.add(name="message", number=2, type=_Field.TYPE_STRING, label=_Field.LABEL_OPTIONAL)
    pool = descriptor_pool.DescriptorPool()
    pool.AddSerializedFile(declared.SerializeToString())
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("google.rpc.Status"))


def _take_bytes(messages: Iterable[Any]) -> None:
    for message in messages:
        for field in message.field:
            if field.type == _Field.TYPE_STRING:
                field.type = _Field.TYPE_BYTES
        _take_bytes(message.nested_type)
