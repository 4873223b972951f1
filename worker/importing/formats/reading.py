"""What the formats' readers share: fields under several names, JSON inside text, times."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from api_hooks.wire.inside import opened


def first(row: Mapping[str, Any], *names: str) -> Any:
    """The first of these fields that is there and says something."""
    for name in names:
        value = row.get(name)
        if value is not None and value != "":
            return value
    return None


def mapping(value: Any) -> Mapping[str, Any]:
    """An object, also one in a text; else an empty one."""
    found = opened(value)
    return found if isinstance(found, Mapping) else {}


def objects(value: Any) -> list[Mapping[str, Any]]:
    """A list of objects, also one in a text; else an empty one."""
    found = opened(value)
    return found if isinstance(found, list) and found and all(isinstance(each, Mapping) for each in found) else []


def number(value: Any) -> float | None:
    """A number, also one in a text."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        return float(value)
    except ValueError:
        return None


def moment(given: Any) -> datetime | None:
    """A time in ISO 8601, as Postgres or ClickHouse writes it, or in seconds since 1970; UTC where it names no zone."""
    try:
        if isinstance(given, int | float) and not isinstance(given, bool):
            return datetime.fromtimestamp(given, UTC)
        found = datetime.fromisoformat(str(given).strip())
    except (ValueError, OverflowError, OSError):
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def milliseconds_between(start: Any, end: Any) -> float | None:
    """How long something took that began and ended at these times; None when that cannot be."""
    began, ended = moment(start), moment(end)
    if began is None or ended is None or ended < began:
        return None
    return (ended - began).total_seconds() * 1000


def spoken(value: Any) -> Any:
    """A prompt or an answer as `api_hooks.wire` reads it; an object that is none of its shapes, as its JSON.

    Applications log whatever their function was given: its arguments are the nearest there is to what was said.
    """
    found = opened(value)
    if isinstance(found, list) and len(found) == 1 and isinstance(found[0], list):
        found = found[0]  # LangChain's callback logs a list of one conversation
    if isinstance(found, Mapping) and not _is_spoken(found):
        return json.dumps(found, ensure_ascii=False)
    if isinstance(found, list) and any(isinstance(each, Mapping) and not _is_spoken(each) for each in found):
        return json.dumps(found, ensure_ascii=False)
    if isinstance(found, bool | int | float):
        return json.dumps(found)
    return found


_SPEAKING = (
    "role",
    "content",
    "parts",
    "messages",
    "input",
    "contents",
    "choices",
    "candidates",
    "output",
    "tool_calls",
)


def _is_spoken(found: Mapping[str, Any]) -> bool:
    if any(found.get(name) is not None for name in _SPEAKING):
        return True
    return isinstance(found.get("type"), str) or isinstance(found.get("text"), str)
