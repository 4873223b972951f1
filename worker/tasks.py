"""The Celery tasks: each names a step of the line and decides nothing itself."""

from typing import Any

import redis
import structlog
from celery import Celery
from celery.exceptions import Reject
from redis.backoff import NoBackoff
from redis.retry import Retry

from api_hooks import wire
from worker import bells, broker_state, classifying, recording, sweeping, upkeep
from worker.line import Line
from worker.outage import Stopping
from worker.recording import IDS_PER_BELL

RECORD = wire.RECORD_TASK
CLASSIFY = "aftertag.classify"
SWEEP = "aftertag.sweep"
UPKEEP = "aftertag.upkeep"

log = structlog.get_logger()


def register(app: Celery, line: Line, *, redis_url: str) -> None:
    """Put the four tasks onto `app`; they work on `line`."""
    client = redis.Redis.from_url(
        redis_url, socket_timeout=5, socket_connect_timeout=5, retry=Retry(NoBackoff(), retries=0)
    )

    @app.task(name=RECORD, acks_late=True)
    def record(batch: Any) -> None:
        """Acknowledged after its commit only: whoever is killed before leaves the batch to another worker."""
        try:
            recording.record_or_set_aside(line.recorder, batch)
        except Stopping:
            raise Reject("stopping", requeue=True) from None

    @app.task(name=CLASSIFY, acks_late=False)
    def classify(endpoint: Any, ids: Any) -> None:
        """Acknowledged at once: the rows are in Postgres, and the sweep rings again for what is lost here."""
        try:
            keys = bells.read(ids, size=IDS_PER_BELL)
            line.outage.outlast(lambda: classifying.classify(line, str(endpoint), keys))
        except Stopping:
            return
        except ValueError as error:
            log.warning("a bell was malformed", problem=str(error))

    @app.task(name=SWEEP, acks_late=False)
    def sweep() -> None:
        line.outage.outlast(lambda: sweeping.sweep(line, depth=lambda queue: int(client.llen(queue))))
        line.outage.outlast(lambda: upkeep.store_rejected(line.engine, client))
        broker_state.note_sweep(client)

    @app.task(name=UPKEEP, acks_late=False)
    def tend() -> None:
        line.outage.outlast(lambda: upkeep.tend(line.engine, client, line.settings))
