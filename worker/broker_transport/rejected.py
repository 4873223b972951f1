"""The capped Redis list of messages that could not be read, until a sweep has moved them into Postgres."""

import base64
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from typing import Any, cast

import redis

from worker.broker_transport.refusals import Refused

REJECTED_KEY = "aftertag.rejected"
TRIMMED_KEY = "aftertag.rejected_trimmed"
"""How many entries the list had no place for since that was last counted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejected:
    """One message that was set aside. `size` in bytes before `raw` was cut; `fault` one of `refusals.Fault`.

    `id` is the same each time the entry is read, so that storing it twice can be made storing it once. `received_at` is
    None when something else than a worker wrote the entry.
    """

    id: str
    received_at: datetime | None
    queue: str
    fault: str
    error: str
    size: int
    raw: bytes = field(repr=False)

    @property
    def is_whole(self) -> bool:
        """Whether `raw` is the full message, so that it can be replayed."""
        return len(self.raw) == self.size


def to_entry(refused: Refused, *, raw: bytes, queue: str, id: str, received_at: datetime, body_bytes: int) -> str:  # noqa: A002
    """Return the JSON that the list holds: the first `body_bytes` of `raw` in base64, and how many there were."""
    return json.dumps(
        {
            "id": id,
            "received_at": received_at.isoformat(),
            "queue": queue,
            "fault": refused.fault.value,
            "error": refused.error,
            "size": len(raw),
            "body": base64.b64encode(raw[:body_bytes]).decode(),
        }
    )


def drain(
    client: "redis.Redis", keep: Callable[[Sequence[Rejected]], object], *, limit: int = 100, key: str = REJECTED_KEY
) -> int:
    """Hand the oldest `limit` entries to `keep`, then take exactly those off the list; return how many.

    `keep` returns after its commit. When it raises, or the process dies before the entries are taken off, they are
    handed out again: `keep` stores by `id` and skips what it has. Entries pushed or trimmed meanwhile do no harm.
    """
    # The newest entry is at the head, so the tail holds the oldest.
    entries = client.lrange(key, -limit, -1)[::-1]
    if not entries:
        return 0
    keep([_read_entry(entry.encode() if isinstance(entry, str) else entry) for entry in entries])
    with client.pipeline(transaction=False) as pipe:
        for entry in entries:
            pipe.lrem(key, -1, cast(str, entry))
        pipe.execute()
    return len(entries)


def take_trimmed(client: "redis.Redis", count: Callable[[int], object]) -> None:
    """Hand to `count` how many entries were lost for want of a place; when it raises they are counted the next time."""
    trimmed = int(cast(bytes, client.getdel(TRIMMED_KEY)) or 0)
    if not trimmed:
        return
    try:
        count(trimmed)
    except BaseException:
        client.incrby(TRIMMED_KEY, trimmed)
        raise


def replay(client: "redis.Redis", *, queue: str, raw: bytes) -> None:
    """Put a message that was set aside back onto its queue, behind what waits there; it is checked again like any."""
    client.lpush(queue, raw)


def _read_entry(entry: bytes) -> Rejected:
    try:
        return _from_document(json.loads(entry))
    except (ValueError, KeyError, TypeError, OverflowError, RecursionError):
        return Rejected(
            id=sha256(entry).hexdigest()[:32],
            received_at=None,
            queue="",
            fault="unreadable_entry",
            error="Something else than a worker wrote this entry.",
            size=len(entry),
            raw=entry,
        )


def _from_document(document: dict[str, Any]) -> Rejected:
    return Rejected(
        id=str(document["id"]),
        received_at=datetime.fromisoformat(document["received_at"]),
        queue=str(document["queue"]),
        fault=str(document["fault"]),
        error=str(document["error"]),
        size=int(document["size"]),
        raw=base64.b64decode(document["body"], validate=True),
    )
