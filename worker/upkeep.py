"""What is done every few minutes beside the line: days made ahead, what has expired dropped, rejected messages stored."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import redis
import structlog

from worker.broker_transport import rejected
from worker.broker_transport.rejected import Rejected
from worker.settings import Settings
from worker.store import partitions, recording, retention, set_aside
from worker.store.retention import Dropped
from worker.store.set_aside import Arrival

if TYPE_CHECKING:
    from worker.store.connecting import Engine

REJECTED_AT_ONCE = 20
"""Messages in memory at once while they move from Redis to Postgres; each may have a megabyte."""

REJECTED_OVERFLOW = "rejected_overflow"

log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class Tended:
    """What one pass did. `days_made` counts days ahead, `transcripts` and `comments` text that went before its day."""

    days_made: int
    rejected_stored: int
    set_aside_gone: int
    generations: Dropped = field(default_factory=Dropped)
    text: Dropped = field(default_factory=Dropped)
    transcripts: int = 0
    comments: int = 0


def tend(engine: "Engine", client: "redis.Redis", settings: Settings, *, now: datetime | None = None) -> Tended | None:
    """Make one pass, the most urgent first; None when another pass is under way.

    A step that fails ends the pass: everything is done again by the next one, and none of it minds being repeated.
    """
    now = now or datetime.now(UTC)
    with engine.connect() as connection:
        if not retention.alone(connection):
            return None
        connection.commit()  # the lock is the session's; a transaction would only stand idle
        try:
            tended = Tended(
                days_made=partitions.make_ahead(engine, today=now.date()),
                rejected_stored=store_rejected(engine, client, now=now),
                set_aside_gone=_cap(engine),
                generations=retention.drop_generations(engine, keep_days=settings.keep_days, now=now),
                text=retention.drop_text(engine, now=now),
                transcripts=retention.delete_text(engine, now=now),
                comments=retention.delete_comments(engine, now=now),
            )
        finally:
            retention.let_others(connection)
    _report(tended)
    return tended


def store_rejected(engine: "Engine", client: "redis.Redis", *, now: datetime | None = None) -> int:
    """Move what the broker's channel rejected from Redis into `set_aside`, within its limits; return how many messages.

    With every sweep: the list in Redis is short. What it had no place for is counted in `losses`.
    """
    if not client.exists(rejected.REJECTED_KEY, rejected.TRIMMED_KEY):
        return 0

    def keep(entries: Sequence[Rejected]) -> None:
        with engine.begin() as connection:
            set_aside.add_arrivals(connection, map(_arrival, entries))

    def count(trimmed: int) -> None:
        with engine.begin() as connection:
            recording.add_losses(connection, {REJECTED_OVERFLOW: trimmed}, day=(now or datetime.now(UTC)).date())

    stored = 0
    while moved := rejected.drain(client, keep, limit=REJECTED_AT_ONCE):
        stored += moved
    rejected.take_trimmed(client, count)
    if stored:
        log.warning("messages were rejected and are set aside", messages=stored)
        _cap(engine)
    return stored


def _arrival(entry: Rejected) -> Arrival:
    return Arrival(
        received_at=entry.received_at,
        queue=entry.queue,
        error=f"{entry.fault}: {entry.error}",
        size_bytes=entry.size,
        body=entry.raw,
    )


def _cap(engine: "Engine") -> int:
    with engine.begin() as connection:
        return set_aside.cap(connection)


def _report(tended: Tended) -> None:
    for kind, dropped in (("generations", tended.generations), ("text", tended.text)):
        if dropped.days:
            log.info("days dropped", kind=kind, days=[day.isoformat() for day in dropped.days])
        if dropped.held:
            log.warning("days are held by a long reader; the next upkeep drops them", kind=kind, days=len(dropped.held))
    if tended.transcripts or tended.comments:
        log.info("text deleted", transcripts=tended.transcripts, comments=tended.comments)
