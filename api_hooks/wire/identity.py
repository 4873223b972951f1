"""Ids and times of a generation: the caller's own where they can be kept, else made from the moment of the call."""

import re
from datetime import UTC, datetime
from typing import Any

from api_hooks.wire.contract import ID_CHARACTERS
from api_hooks.wire.text import clean, plain

_EARLIEST = datetime(1, 1, 2, tzinfo=UTC)
_LATEST = datetime(9999, 12, 30, tzinfo=UTC)
_DATE = re.compile(r"\d{4}-\d\d-\d\d")


def uuid7(unix_ms: int, random_bytes: bytes) -> str:
    """Return the UUID, version 7, of a time in milliseconds since 1970 and 10 random bytes."""
    number = (unix_ms & (1 << 48) - 1) << 80 | int.from_bytes(random_bytes[:10], "big")
    number = number & ~(0xF << 76) | 0x7 << 76
    number = number & ~(0x3 << 62) | 0x2 << 62
    digits = f"{number:032x}"
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


def new_id(created_at: str, random_bytes: bytes) -> str:
    """Return the uuid7 of a time as `time_text` writes it."""
    return uuid7(max(0, int(datetime.fromisoformat(created_at).timestamp() * 1000)), random_bytes)


def own_id(given: Any) -> str | None:
    """Return the caller's id, or None when there is none that can be kept.

    Numbers and UUIDs are taken as text. Over 200 characters it becomes `sha256:` and its digest, the same each time.
    """
    if issubclass(type(given), str):
        text = plain(given)
    elif (type(given) is int and abs(given) < 10**18) or type(given).__module__ == "uuid":
        text = str(given)
    else:
        return None
    return clean(text if len(text) <= ID_CHARACTERS else _digest(text)) or None


def draw(workspace: str, key: str) -> float:
    """The deterministic number in [0, 1) that sampling compares with a rate; the same here and in the worker."""
    import hashlib  # see _digest

    digest = hashlib.sha256(f"{workspace}:{key}".encode("utf-8", "surrogatepass")).digest()
    return (int.from_bytes(digest[:8], "big") >> 11) / 2**53


def _digest(text: str) -> str:
    import hashlib  # a fifth of what importing the hook would cost

    return "sha256:" + hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def time_text(given: Any, *, otherwise: datetime) -> str:
    """Return a time as the wire writes it, in UTC with microseconds; `otherwise` when it is missing or makes no sense.

    Takes datetimes (one without a time zone is in this machine's), ISO 8601 text (without one: UTC), and seconds or
    milliseconds since 1970.
    """
    try:
        moment = _moment(given) or otherwise
    except (ValueError, OverflowError, OSError):
        moment = otherwise
    if not _EARLIEST < moment < _LATEST:
        moment = otherwise
    return moment.astimezone(UTC).isoformat(timespec="microseconds")


def _moment(given: Any) -> datetime | None:
    if issubclass(type(given), datetime):
        moment: datetime = given if given.tzinfo else given.astimezone(UTC)
        return moment
    if issubclass(type(given), str) and _DATE.match(text := plain(given)):
        moment = datetime.fromisoformat(text.strip())
        return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    if type(given) in (int, float):
        seconds = float(given)
        # Seconds of the year 5138 are milliseconds of 1973.
        return datetime.fromtimestamp(seconds / 1000 if seconds > 100_000_000_000 else seconds, UTC)
    return None
