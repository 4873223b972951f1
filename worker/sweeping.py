"""The sweep: rings again for what is pending too long, takes back what lost its lease, and never floods."""

from collections.abc import Callable

import structlog

from worker.depths import SHORT_QUEUE
from worker.line import Line
from worker.queues import classify_queue
from worker.recording import IDS_PER_BELL
from worker.store import claims

IDS_PER_PASS = 10_000

IDS_TO_A_REFUSING_ENDPOINT = 32
"""Of a pass, while an endpoint refuses our key or credit: some to learn when it does no more. All of a backlog would be
claimed and put off again every few minutes, for nothing."""

log = structlog.get_logger()


def sweep(line: Line, *, depth: Callable[[str], int]) -> int:
    """Ring for up to 10,000 due ids in all; return how many. `depth` says how many bells a queue holds."""
    with line.engine.begin() as connection:
        found = claims.take_back_lost_leases(connection)
        waiting = claims.oldest_waits(connection)
    if found.lost:
        log.warning("leases were lost; their workers died or hung", classifications=found.lost, ended=found.ended)
    line.metrics.count_lost(found.ended)
    line.metrics.see_waits(dict.fromkeys(line.endpoints, 0.0) | waiting)
    rung = 0
    for place, endpoint in enumerate(waiting):
        room = (SHORT_QUEUE - depth(classify_queue(endpoint))) * IDS_PER_BELL
        share = (IDS_PER_PASS - rung) // (len(waiting) - place)  # one endpoint's backlog leaves the others theirs
        rung += _ring(line, endpoint, limit=min(room, share))
    return rung


def _ring(line: Line, endpoint: str, *, limit: int) -> int:
    if limit <= 0:
        return 0
    again = line.settings.ring_again_seconds
    with line.engine.begin() as connection:
        if claims.is_refusing(connection, endpoint=endpoint, lately_seconds=again):
            limit = min(limit, IDS_TO_A_REFUSING_ENDPOINT)
        keys = claims.stamp_due(connection, endpoint=endpoint, ring_again_seconds=again, limit=limit)
    line.ring(endpoint, keys)
    return len(keys)
