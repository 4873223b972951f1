"""What the test model server can play besides good answers: one entry per way in which model servers go wrong."""

import json
import re
from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from tests import model_server_answers as answers

KEEP, CLOSE, RESET, HANG = "keep", "close", "reset", "hang"
SENTINEL = "SENTINEL-IN-THE-ANSWER"
"""Stands in every bad answer; a test looks for it in logs and errors."""


def step(script: str, call: int) -> str:
    """Return the step of `script` that the `call`-th call (from 1) gets; a good answer after the last."""
    for part in script.split(","):
        name, times, count = part.partition("*")
        if not times:
            return name
        if call <= int(count or 1):
            return name
        call -= int(count or 1)
    return "ok"


def wire(step: str, path: bytes, body: bytes, *, reports_cost: bool) -> tuple[bytes, str]:
    """Return the bytes to send and how the connection goes on; an unknown step is a good answer."""
    name, _, argument = step.partition(":")
    if name in ("hang", "reset"):
        return b"", name
    if name == "half":
        return http(200, answers.good(path, body, reports_cost))[:-40], CLOSE
    if name == "204":
        return b"HTTP/1.1 204 No Content\r\n\r\n", KEEP
    if name.isdigit():
        return http(int(name), _error_body(int(name)), retry_after=argument or None), KEEP
    if name in ("error_body", "error"):
        return http(200, _error_body(int(argument or 500))), KEEP
    if name == "html":
        return http(200, f"<html><body>{SENTINEL}</body></html>".encode(), kind="text/html"), KEEP
    if name == "huge":
        return http(200, b'{"padding": "' + b"x" * 3_000_000 + b'"}'), KEEP
    if name == "not_http":
        return b"220 mail.example.org ready\r\n\r\n", CLOSE
    if name in ("no_json_schema", "no_json_object") and not _is_turned_down(name, body):
        name = "ok"
    if name in _ERRORS:
        status, error = _ERRORS[name]
        return http(status, json.dumps({"error": error}).encode()), KEEP
    if name in _COMPLETIONS:
        return http(200, _COMPLETIONS[name](path, body, reports_cost)), KEEP
    if name in ("cost", "no_cost"):
        return http(200, answers.good(path, body, name == "cost")), KEEP
    return http(200, answers.good(path, body, reports_cost)), KEEP


def http(status: int, body: bytes, *, kind: str = "application/json", retry_after: str | None = None) -> bytes:
    """Return a whole HTTP/1.1 response."""
    waiting = f"Retry-After: {retry_after.replace('_', ' ')}\r\n" if retry_after else ""
    reason = HTTPStatus(status).phrase if status in _STATUSES else "Status"
    head = f"HTTP/1.1 {status} {reason}\r\nContent-Type: {kind}\r\n{waiting}Content-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


_STATUSES = {status.value for status in HTTPStatus}


def _error_body(code: int) -> bytes:
    return json.dumps({"error": {"code": code, "message": f"the server says {SENTINEL}"}}).encode()


def _is_turned_down(name: str, body: bytes) -> bool:
    """Return whether the request asks for JSON in a form that this play has no support for."""
    asks_schema = b'"type": "json_schema"' in body or b'"type":"json_schema"' in body
    asks_object = b'"type": "json_object"' in body or b'"type":"json_object"' in body
    return asks_schema or (name == "no_json_object" and asks_object)


_ERRORS: dict[str, tuple[int, dict[str, Any]]] = {
    "no_json_schema": (400, {"message": "'response_format' of type 'json_schema' is not supported"}),
    "no_json_object": (400, {"message": "this model does not support response_format", "param": "response_format"}),
    "context_too_long": (
        400,
        {"code": "context_length_exceeded", "message": f"maximum context length is 8192 tokens, not {SENTINEL}"},
    ),
    "too_long_in_words": (400, {"type": "invalid_request_error", "message": f"prompt is too long: {SENTINEL}"}),
    "insufficient_quota": (429, {"code": "insufficient_quota", "message": SENTINEL}),
    "moderated": (403, {"code": 403, "message": SENTINEL, "metadata": {"reasons": ["x"], "flagged_input": SENTINEL}}),
}

Completion = Callable[[bytes, bytes, bool], bytes]


def _with_text(change: Callable[[dict[str, Any]], str], ending: str = "stop") -> Completion:
    def complete(path: bytes, body: bytes, reports_cost: bool) -> bytes:
        text = change(answers.chosen(body))
        return answers.completion(path, body, text, reports_cost=reports_cost, ending=ending)

    return complete


def _refused(path: bytes, body: bytes, reports_cost: bool) -> bytes:
    return answers.completion(path, body, "", reports_cost=reports_cost, refusal=f"I will not. {SENTINEL}")


def _odd_usage(path: bytes, body: bytes, reports_cost: bool) -> bytes:
    document = json.loads(answers.good(path, body, reports_cost))
    document["usage"] = {
        "prompt_tokens": "120",
        "completion_tokens": None,
        "prompt_tokens_details": "none",
        "completion_tokens_details": {"reasoning_tokens": -3},
        "cost": "a little",
    }
    return json.dumps(document).encode()


def _error_in_choice(path: bytes, body: bytes, reports_cost: bool) -> bytes:
    document = json.loads(answers.completion(path, body, "", reports_cost=reports_cost, ending="error"))
    document["choices"][0]["error"] = {"code": 502, "message": SENTINEL}
    return json.dumps(document).encode()


_COMPLETIONS: dict[str, Completion] = {
    "refusal": _refused,
    "content_filter": _with_text(json.dumps, ending="content_filter"),
    "truncated": _with_text(lambda answer: json.dumps(answer)[: len(json.dumps(answer)) // 2], ending="length"),
    "fenced": _with_text(lambda answer: f"```json\n{json.dumps(answer)}\n```"),
    "half_fenced": _with_text(lambda answer: f"```json\n{json.dumps(answer)}"),
    "prose": _with_text(lambda answer: f"Sure! {SENTINEL} {json.dumps(answer)}"),
    "empty": _with_text(lambda _: ""),
    "wrong_enum": _with_text(lambda answer: json.dumps(dict.fromkeys(answer, SENTINEL))),
    "missing_dimension": _with_text(lambda answer: json.dumps(dict(list(answer.items())[1:]))),
    "extra_keys": _with_text(lambda answer: json.dumps({**answer, SENTINEL: "x"})),
    "not_json": _with_text(lambda _: SENTINEL),
    "odd_usage": _odd_usage,
    "error_in_choice": _error_in_choice,
    "no_choices": lambda *_: b'{"object": "chat.completion", "choices": []}',
    "null": lambda *_: b"null",
    "deep": lambda *_: b"[" * 200_000,
    "missing_answers": lambda *_: b'{"model": "test-decider", "answers": {}}',
}


def known(name: str) -> bool:
    """Return whether there is a play of that name, its argument left out."""
    return bool(re.fullmatch(r"\d{3}", name)) or name in {
        *_COMPLETIONS,
        *_ERRORS,
        *("ok", "hang", "reset", "half", "html", "huge", "not_http", "error_body", "cost", "no_cost"),
    }
