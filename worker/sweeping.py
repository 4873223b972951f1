"""The sweep: rings again for what is pending too long, takes back what lost its lease, and never floods."""

from collections.abc import Callable

import structlog

from worker.depths import SHORT_QUEUE
from worker.line import Line
from worker.queues import classify_queue
from worker.recording import IDS_PER_BELL
from worker.store import claims

IDS_PER_PASS = 10_000

log = structlog.get_logger()


def sweep(line: Line, *, depth: Callable[[str], int]) -> int:
    """Ring for up to 10,000 due ids in all; return how many. `depth` says how many bells a queue holds."""
    with line.engine.begin() as connection:
        lost = claims.take_back_lost_leases(connection)
        waiting = claims.oldest_waits(connection)
    if lost:
        log.warning("leases were lost; their workers died or hung", classifications=lost)
    for endpoint in line.endpoints:
        line.metrics.oldest_wait(endpoint, waiting.get(endpoint, 0.0))
    rung = 0
    for place, endpoint in enumerate(waiting):
        room = (SHORT_QUEUE - depth(classify_queue(endpoint))) * IDS_PER_BELL
        share = (IDS_PER_PASS - rung) // (len(waiting) - place)  # one endpoint's backlog leaves the others theirs
        rung += _ring(line, endpoint, limit=min(room, share))
    return rung


def _ring(line: Line, endpoint: str, *, limit: int) -> int:
    if limit <= 0:
        return 0
    with line.engine.begin() as connection:
        keys = claims.stamp_due(
            connection, endpoint=endpoint, ring_again_seconds=line.settings.ring_again_seconds, limit=limit
        )
    line.ring(endpoint, keys)
    return len(keys)
