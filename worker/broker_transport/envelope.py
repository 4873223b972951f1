"""Read one raw message from the queue: either the call Celery may safely see, or why not. Pure; the task comes next.

Stock Celery trusts every envelope: of 18 malformed ones 7 ended the worker and others were logged with their body. So
nothing of the sender's reaches Celery as it came: the body is parsed here once, headers are built anew.
"""

import base64
import json
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from inspect import Signature
from typing import Any

from worker.broker_transport import headers as message_headers
from worker.broker_transport.refusals import Fault, Refused, RefusedError

DEEPEST_NESTING = 32
COMPRESSION = "application/x-gzip"

_CANVAS = ("callbacks", "errbacks", "chain", "chord")

KnownTasks = Mapping[str, Signature]


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """A call that fits a known task: `headers` of Celery's protocol 2, `body` = [args, kwargs, embed]."""

    headers: dict[str, Any]
    body: list[Any] = field(repr=False)


def read(raw: bytes, *, known_tasks: KnownTasks, max_bytes: int) -> Accepted | Refused:
    """Return the call that `raw` carries, or why there is none. Never raises, whatever the bytes.

    `max_bytes` bounds the envelope and, once more, the body after decompression. NaN and Infinity read as null.
    """
    try:
        return _read(raw, known_tasks, max_bytes)
    except RefusedError as refusal:
        return refusal.refused


def _read(raw: bytes, known_tasks: KnownTasks, max_bytes: int) -> Accepted:
    if len(raw) > max_bytes:
        raise RefusedError(Fault.TOO_LARGE, f"The message is larger than {max_bytes} bytes.")
    envelope = _parse(raw, Fault.ENVELOPE_NOT_JSON, "envelope")
    if not isinstance(envelope, dict):
        raise RefusedError(Fault.ENVELOPE_INCOMPLETE, "The envelope is not a JSON object.")
    headers, properties = _member(envelope, "headers", dict), _member(envelope, "properties", dict)
    if envelope.get("content-type") != "application/json" or envelope.get("content-encoding") != "utf-8":
        raise RefusedError(Fault.UNKNOWN_CONTENT_TYPE, "The content is not application/json in utf-8.")
    clean_headers = message_headers.read_headers(headers, known_tasks)
    message_headers.check_properties(properties)
    content = _decode(_member(envelope, "body", str), properties.get("body_encoding"))
    content = _decompress(content, headers.get("compression"), max_bytes)
    return Accepted(headers=clean_headers, body=_read_call(content, known_tasks[clean_headers["task"]]))


def _member(envelope: dict[str, Any], name: str, kind: type) -> Any:
    value = envelope.get(name)
    if not isinstance(value, kind):
        raise RefusedError(Fault.ENVELOPE_INCOMPLETE, f"The envelope has no {name} of the right kind.")
    return value


def _decode(body: str, encoding: object) -> bytes:
    if encoding not in ("base64", "utf-8", None):
        raise RefusedError(Fault.BODY_NOT_DECODABLE, "The body_encoding is neither base64 nor utf-8.")
    try:
        return base64.b64decode(body, validate=True) if encoding == "base64" else body.encode()
    except ValueError:
        raise RefusedError(Fault.BODY_NOT_DECODABLE, "The body is not what its body_encoding says.") from None


def _decompress(content: bytes, compression: object, max_bytes: int) -> bytes:
    if compression is None:
        return content
    if compression != COMPRESSION:
        raise RefusedError(Fault.UNKNOWN_COMPRESSION, f"The compression is neither none nor {COMPRESSION}.")
    stream = zlib.decompressobj()
    try:
        opened = stream.decompress(content, max_bytes + 1)
    except zlib.error:
        raise RefusedError(Fault.BODY_NOT_DECODABLE, "The body is not compressed as its header says.") from None
    if len(opened) > max_bytes:
        raise RefusedError(Fault.TOO_LARGE, f"The body is larger than {max_bytes} bytes after decompression.")
    if not stream.eof:
        raise RefusedError(Fault.BODY_NOT_DECODABLE, "The compressed body ends too early.")
    return opened


def _read_call(content: bytes, signature: Signature) -> list[Any]:
    call = _parse(content, Fault.BODY_NOT_JSON, "body")
    if not isinstance(call, list) or [type(part) for part in call] != [list, dict, dict]:
        raise RefusedError(Fault.BODY_NOT_A_CALL, "The body is not a list of arguments, keywords and embedded calls.")
    args, kwargs, embed = call
    if any(embed.get(name) for name in _CANVAS):
        raise RefusedError(Fault.BODY_NOT_A_CALL, "The body asks for calls after this one; no message of ours does.")
    if not _is_nested_within(call, DEEPEST_NESTING):
        raise RefusedError(Fault.BODY_NOT_A_CALL, f"The body is nested deeper than {DEEPEST_NESTING} levels.")
    try:
        # Left to Celery, a misfit would be logged with its keywords and acknowledged as a failure: lost.
        signature.bind(*args, **kwargs)
    except TypeError:
        raise RefusedError(Fault.BODY_NOT_A_CALL, "The arguments do not fit the task.") from None
    return _HiddenList((_HiddenList(args), _HiddenDict(kwargs), dict.fromkeys(_CANVAS)))


class _HiddenList(list[Any]):
    """Celery's pool logs what it is given when it logs at DEBUG: the text of generations is not for logs."""

    def __repr__(self) -> str:
        return message_headers.HIDDEN_ARGUMENTS


class _HiddenDict(dict[str, Any]):
    def __repr__(self) -> str:
        return message_headers.HIDDEN_ARGUMENTS


def _parse(content: bytes, fault: Fault, what: str) -> Any:
    """Plain JSON: kombu's own reader builds dates and decimals out of objects that ask for it, and raises on others."""
    try:
        return json.loads(content.decode(), parse_constant=lambda _: None)
    except (ValueError, RecursionError):
        raise RefusedError(fault, f"The {what} is not JSON in utf-8.") from None


def _is_nested_within(value: object, levels: int) -> bool:
    """Level by level, without recursion: deep nesting ends later readers that do recurse."""
    level: list[Any] = [value]
    for _ in range(levels):
        level = [
            child
            for parent in level
            for child in (parent.values() if type(parent) is dict else parent)
            if type(child) in (dict, list)
        ]
        if not level:
            return True
    return False
