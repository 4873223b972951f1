"""What the reading commands take: a workspace, a time such as `7d` or `2026-11-01`, a tag such as `department=legal`."""

import re
from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer

from worker import errors

UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_SPAN = re.compile(r"(\d{1,5})([mhdw])")

Workspace = Annotated[
    str | None,
    typer.Option("--workspace", "-w", help="The workspace's name; may be left out where there is only one."),
]
Since = Annotated[
    str, typer.Option("--since", metavar="TIME", help="How far back: 30m, 24h, 7d, 4w, or a date such as 2026-11-01.")
]


def start(since: str, *, now: datetime | None = None) -> datetime:
    """Return the time that `since` means, in UTC. Raise InvalidRequestError when it means none."""
    now = now or datetime.now(UTC)
    try:
        if match := _SPAN.fullmatch(since.strip()):
            return now - timedelta(**{UNITS[match[2]]: int(match[1])})
        return moment(since)
    except (errors.InvalidRequestError, OverflowError):
        raise errors.InvalidRequestError(
            f"--since {since!r} is no time; write 30m, 24h, 7d, 4w, or a date such as 2026-11-01."
        ) from None


def moment(text: str) -> datetime:
    """Return an ISO 8601 date or time, in UTC unless it names its zone. Raise InvalidRequestError."""
    try:
        found = datetime.fromisoformat(text.strip())
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise errors.InvalidRequestError(
            f"{text!r} is no time; write a date such as 2026-11-01, or 2026-11-01T09:30."
        ) from None


def tag(text: str) -> tuple[str, str]:
    """Return dimension and value of `dimension=value`. Raise InvalidRequestError."""
    dimension, equals, value = text.partition("=")
    if not equals or not dimension.strip() or not value.strip():
        raise errors.InvalidRequestError(f"--tag {text!r} is no tag; write dimension=value, such as department=legal.")
    return dimension.strip(), value.strip()
