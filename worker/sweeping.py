"""The sweep: rings again for what is pending too long, takes back what lost its lease, and never floods."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import structlog

from worker.depths import SHORT_QUEUE
from worker.line import Line
from worker.queues import classify_queue
from worker.recording import IDS_PER_BELL
from worker.store import claims
from worker.store import engine as engines
from worker.store.spans import Span

IDS_PER_PASS = 10_000

IDS_TO_A_REFUSING_ENDPOINT = 32
"""Of a pass, while an endpoint refuses our key or credit: some to learn when it does no more. All of a backlog would be
claimed and put off again every few minutes, for nothing."""

log = structlog.get_logger()


def sweep(line: Line, *, depth: Callable[[str], int]) -> int:
    """Ring for up to 10,000 due ids in all; return how many. `depth` says how many bells a queue holds.

    Goes over the open days span by span, each in transactions of its own: years of days locked at once would take all
    the locks that a Postgres has.
    """
    waiting: dict[str, list[_Waiting]] = {}
    spans = line.open_days.spans(line.engine, today=datetime.now(UTC).date())
    lost = ended = 0
    for span in spans:
        with line.engine.begin() as connection:
            found = claims.take_back_lost_leases(connection, span)
            waits = claims.oldest_waits(connection, span)
        lost, ended = lost + found.lost, ended + found.ended
        for endpoint, seconds in waits.items():
            waiting.setdefault(endpoint, []).append(_Waiting(span=span, seconds=seconds))
    if lost:
        log.warning("leases were lost; their workers died or hung", classifications=lost, ended=ended)
    line.metrics.count_lost(ended)
    oldest = {endpoint: max(one.seconds for one in found) for endpoint, found in waiting.items()}
    line.metrics.see_waits(dict.fromkeys(line.endpoints, 0.0) | oldest)
    rung = 0
    for place, endpoint in enumerate(sorted(waiting)):
        room = (SHORT_QUEUE - depth(classify_queue(endpoint))) * IDS_PER_BELL
        share = (IDS_PER_PASS - rung) // (len(waiting) - place)  # one endpoint's backlog leaves the others theirs
        rung += _ring(line, endpoint, spans, waiting[endpoint], limit=min(room, share))
    return rung


@dataclass(frozen=True, slots=True, kw_only=True)
class _Waiting:
    """A span in which an endpoint has a row due, the oldest for so many seconds."""

    span: Span
    seconds: float


def _ring(line: Line, endpoint: str, spans: Sequence[Span], waiting: Sequence[_Waiting], *, limit: int) -> int:
    """Ring for the due rows of an endpoint, in the order of the spans' oldest waits."""
    if limit <= 0:
        return 0
    if _is_refusing(line, endpoint, spans):
        limit = min(limit, IDS_TO_A_REFUSING_ENDPOINT)
    rung = 0
    for one in sorted(waiting, key=lambda each: each.seconds, reverse=True):
        with line.engine.begin() as connection:
            keys = claims.stamp_due(
                connection,
                one.span,
                endpoint=endpoint,
                ring_again_seconds=line.settings.ring_again_seconds,
                limit=limit - rung,
            )
        line.ring(endpoint, keys)
        rung += len(keys)
        if rung >= limit:
            break
    return rung


def _is_refusing(line: Line, endpoint: str, spans: Sequence[Span]) -> bool:
    lately = line.settings.ring_again_seconds
    with engines.reading(line.engine) as connection:
        return any(
            claims.is_refusing(connection, span, endpoint=endpoint, lately_seconds=lately) for span in reversed(spans)
        )
