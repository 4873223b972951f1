"""Check the headers and properties of one message, and build anew those that Celery reads.

The sender's own are left behind: Celery puts every header it gets onto the request object, over its methods, and
tracing tools add theirs to whatever a process publishes.
"""

import re
from collections.abc import Container, Mapping
from datetime import UTC, datetime
from typing import Any

from worker.broker_transport.refusals import Fault, RefusedError

MOST_RETRIES = 1_000
HIDDEN_ARGUMENTS = "(not shown)"

_TASK_ID = re.compile(r"[0-9A-Za-z_.:-]{1,128}", re.ASCII)
_TEXTS = ("lang", "shadow", "argsrepr", "kwargsrepr", "origin", "group", "meth")


def read_headers(headers: Mapping[str, Any], known_tasks: Container[str]) -> dict[str, Any]:
    """Return the headers of Celery's message protocol 2, or raise RefusedError.

    `eta` must be null: nothing of ours waits inside a worker. Arguments are hidden from Celery's log.
    """
    task, task_id, retries = headers.get("task"), headers.get("id"), headers.get("retries")
    if not isinstance(task, str) or task not in known_tasks:
        raise RefusedError(Fault.UNKNOWN_TASK, "The message names no task that this worker knows.")
    _expect(_is_id(task_id), "id", "an id of plain characters")
    for name in ("root_id", "parent_id"):
        _expect(headers.get(name) is None or _is_id(headers[name]), name, "null or an id of plain characters")
    for name in _TEXTS:
        _expect(isinstance(headers.get(name), str | None), name, "null or a string")
    _expect(isinstance(headers.get("ignore_result"), bool | None), "ignore_result", "null, true or false")
    _expect(retries is None or _is_count(retries), "retries", f"null or a whole number up to {MOST_RETRIES}")
    _expect(headers.get("eta") is None, "eta", "null")
    _expect(_is_time_limit(headers.get("timelimit")), "timelimit", "null or two numbers")
    return {
        "lang": "py",
        "task": task,
        "id": task_id,
        "root_id": headers.get("root_id") or task_id,
        "parent_id": headers.get("parent_id"),
        "group": None,
        "eta": None,
        "expires": _read_expiry(headers.get("expires")),
        "retries": retries or 0,
        "timelimit": [None, None],
        "argsrepr": HIDDEN_ARGUMENTS,
        "kwargsrepr": HIDDEN_ARGUMENTS,
        "ignore_result": headers.get("ignore_result") is not False,
    }


def check_properties(properties: Mapping[str, Any]) -> None:
    """Raise RefusedError unless the properties are those a publisher of Celery's writes."""
    for name in ("correlation_id", "reply_to"):
        _expect(isinstance(properties.get(name), str | None), name, "null or a string")
    _expect(type(properties.get("priority")) in (int, type(None)), "priority", "null or a whole number")
    if not isinstance(properties.get("delivery_tag"), str):
        raise RefusedError(Fault.ENVELOPE_INCOMPLETE, "The envelope has no delivery_tag that is a string.")


def _read_expiry(expires: object) -> str | None:
    if expires is None:
        return None
    try:
        at = datetime.fromisoformat(expires) if isinstance(expires, str) else None
        if at is not None and at.tzinfo is not None:
            return at.astimezone(UTC).isoformat()
    except (ValueError, OverflowError):
        pass
    raise RefusedError(Fault.WRONG_HEADER, "The header expires is not null or a time with its zone.")


def _expect(is_met: bool, name: str, expected: str) -> None:
    if not is_met:
        raise RefusedError(Fault.WRONG_HEADER, f"The header {name} is not {expected}.")


def _is_id(value: object) -> bool:
    return isinstance(value, str) and _TASK_ID.fullmatch(value) is not None


def _is_count(value: object) -> bool:
    return type(value) is int and 0 <= value <= MOST_RETRIES


def _is_time_limit(value: object) -> bool:
    if value is None:
        return True
    return isinstance(value, list) and len(value) == 2 and all(type(part) in (int, float, type(None)) for part in value)
