"""Messages that nobody can run, by what is wrong with them; each carries the sentinel somewhere."""

import base64
import bz2
import json
import zlib
from collections.abc import Callable, Iterator
from typing import Any
from uuid import uuid4

SENTINEL = "SENTINEL-of-a-secret-7f3a"


def good(task: str = "test.keep", arguments: Any = ("word",), queue: str = "record") -> dict[str, Any]:
    """An envelope as Celery and kombu write it."""
    task_id = str(uuid4())
    return {
        "body": encoded(json.dumps([list(arguments), {}, {"callbacks": None, "errbacks": None, "chain": None}])),
        "content-encoding": "utf-8",
        "content-type": "application/json",
        "headers": {
            "lang": "py",
            "task": task,
            "id": task_id,
            "shadow": None,
            "eta": None,
            "expires": None,
            "group": None,
            "retries": 0,
            "timelimit": [None, None],
            "root_id": task_id,
            "parent_id": None,
            "argsrepr": "…",
            "kwargsrepr": "{}",
            "origin": "gen1@host",
            "ignore_result": True,
        },
        "properties": {
            "correlation_id": task_id,
            "reply_to": str(uuid4()),
            "delivery_mode": 2,
            "delivery_info": {"exchange": "", "routing_key": queue},
            "priority": 0,
            "body_encoding": "base64",
            "delivery_tag": str(uuid4()),
        },
    }


def encoded(body: str | bytes) -> str:
    return base64.b64encode(body.encode() if isinstance(body, str) else body).decode()


def _with(change: Callable[[dict[str, Any]], object]) -> bytes:
    envelope = good(arguments=[SENTINEL])
    change(envelope)
    return json.dumps(envelope).encode()


def _set(*path: str, to: Any) -> bytes:
    def change(envelope: dict[str, Any]) -> None:
        for name in path[:-1]:
            envelope = envelope[name]
        envelope[path[-1]] = to

    return _with(change)


def _header(name: str, to: Any) -> bytes:
    return _set("headers", name, to=to)


def _body(body: str | bytes) -> bytes:
    return _set("body", to=encoded(body))


def _compressed(how: str, body: bytes) -> bytes:
    def change(envelope: dict[str, Any]) -> None:
        envelope["headers"]["compression"] = how
        envelope["body"] = encoded(body)

    return _with(change)


def broken() -> Iterator[tuple[str, str, bytes]]:
    """Give (what is wrong, expected fault, raw message)."""
    call = json.dumps([[SENTINEL], {}, {}]).encode()
    yield "envelope not JSON", "envelope_not_json", b"{not json " + SENTINEL.encode()
    yield "empty", "envelope_not_json", b""
    yield "not UTF-8", "envelope_not_json", b"\xff\xfe\x00" + SENTINEL.encode()
    yield "NUL bytes", "envelope_not_json", b"\x00" * 10 + SENTINEL.encode()
    yield "envelope nested deep", "envelope_not_json", b"[" * 50_000
    yield "a whole number too long to read", "envelope_not_json", b"1" * 10_000
    yield "a JSON number", "envelope_incomplete", b"42"
    yield "a JSON string", "envelope_incomplete", json.dumps(SENTINEL).encode()
    yield "a JSON list", "envelope_incomplete", json.dumps([SENTINEL]).encode()
    yield "an empty object", "envelope_incomplete", b"{}"
    for name in ("body", "headers", "properties"):
        yield f"no {name}", "envelope_incomplete", _with(lambda envelope, name=name: envelope.pop(name))  # type: ignore[misc]
        yield f"{name} null", "envelope_incomplete", _set(name, to=None)
    yield "headers a list", "envelope_incomplete", _set("headers", to=[SENTINEL])
    yield "body an object", "envelope_incomplete", _set("body", to={"a": SENTINEL})
    yield "no delivery tag", "envelope_incomplete", _with(lambda envelope: envelope["properties"].pop("delivery_tag"))
    yield "unknown content type", "unknown_content_type", _set("content-type", to="application/x-python-serialize")
    yield "content type null", "unknown_content_type", _set("content-type", to=None)
    yield "unknown content encoding", "unknown_content_type", _set("content-encoding", to="utf-7")
    yield "unknown compression", "unknown_compression", _compressed(SENTINEL, call)
    yield (
        "compression of a kind we do not open",
        "unknown_compression",
        _compressed("application/x-bz2", bz2.compress(call)),
    )
    yield "compression an object", "unknown_compression", _header("compression", {"a": SENTINEL})
    yield "not compressed as it says", "body_not_decodable", _compressed("application/x-gzip", call)
    yield "compressed and cut", "body_not_decodable", _compressed("application/x-gzip", zlib.compress(call)[:-6])
    yield "a compression bomb", "too_large", _compressed("application/x-gzip", zlib.compress(b" " * 50_000_000))
    yield "bad base64", "body_not_decodable", _set("body", to=f"%%%{SENTINEL}")
    yield "base64 with a letter beyond ASCII", "body_not_decodable", _set("body", to="é" * 8)
    yield "unknown body encoding", "body_not_decodable", _set("properties", "body_encoding", to=SENTINEL)
    yield "body encoding a list", "body_not_decodable", _set("properties", "body_encoding", to=[SENTINEL])
    yield "body not JSON", "body_not_json", _body(f"{{{SENTINEL}")
    yield "body not UTF-8", "body_not_json", _body(b"\xff\xff" + SENTINEL.encode())
    yield "body nested past reading", "body_not_json", _body("[" * 50_000)
    yield "body empty", "body_not_json", _set("body", to="")
    yield "body a number", "body_not_a_call", _body("42")
    yield "body of the old protocol", "body_not_a_call", _body(json.dumps({"task": "test.keep", "args": [SENTINEL]}))
    yield "body of two parts", "body_not_a_call", _body(json.dumps([[SENTINEL], {}]))
    yield "arguments a string", "body_not_a_call", _body(json.dumps([SENTINEL, {}, {}]))
    yield "keywords a list", "body_not_a_call", _body(json.dumps([[], [SENTINEL], {}]))
    yield "embed null", "body_not_a_call", _body(json.dumps([[SENTINEL], {}, None]))
    yield "too many arguments", "body_not_a_call", _body(json.dumps([[SENTINEL, 2, 3], {}, {}]))
    yield "a keyword the task has not", "body_not_a_call", _body(json.dumps([[], {SENTINEL: 1}, {}]))
    yield "calls after this one", "body_not_a_call", _body(json.dumps([[SENTINEL], {}, {"callbacks": [{"task": "x"}]}]))
    yield "body nested deeper than any of ours", "body_not_a_call", _body(f"[[{'[' * 100}{']' * 100}], {{}}, {{}}]")
    yield "unknown task", "unknown_task", _header("task", SENTINEL)
    yield "a task of Celery's own", "unknown_task", _header("task", "celery.backend_cleanup")
    yield "task a list", "unknown_task", _header("task", [SENTINEL])
    yield "no task", "unknown_task", _with(lambda envelope: envelope["headers"].pop("task"))
    yield "no id", "wrong_header", _with(lambda envelope: envelope["headers"].pop("id"))
    yield "id with a line break", "wrong_header", _header("id", f"a\n{SENTINEL}")
    yield "id a number", "wrong_header", _header("id", 7)
    yield "eta garbage", "wrong_header", _header("eta", SENTINEL)
    yield "eta a number", "wrong_header", _header("eta", 10**30)
    yield "expires garbage", "wrong_header", _header("expires", SENTINEL)
    yield "expires without a zone", "wrong_header", _header("expires", "2026-11-21T09:30:00")
    yield "expires before time", "wrong_header", _header("expires", "0001-01-01T00:00:00+14:00")
    yield "retries a string", "wrong_header", _header("retries", SENTINEL)
    yield "retries a list", "wrong_header", _header("retries", [1])
    yield "retries below zero", "wrong_header", _header("retries", -1)
    yield "time limit a string", "wrong_header", _header("timelimit", SENTINEL)
    yield "time limit of three", "wrong_header", _header("timelimit", [1, 2, 3])
    yield "argsrepr an object", "wrong_header", _header("argsrepr", {"a": SENTINEL})
    yield "root_id a list", "wrong_header", _header("root_id", [SENTINEL])
    yield "reply_to a number", "wrong_header", _set("properties", "reply_to", to=5)
    yield "priority a string", "wrong_header", _set("properties", "priority", to=SENTINEL)
    yield "over-large", "too_large", _body(json.dumps([[SENTINEL * 20_000], {}, {}]))
