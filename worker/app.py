"""Celery, wired: one app per process, its queues, its beat, and the start and end of a worker."""

import importlib.util
import socket
import threading
import warnings
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

import structlog
from celery import Celery, signals
from celery.apps.worker import install_worker_term_handler
from celery.platforms import SecurityWarning
from kombu.entity import Exchange, Queue
from kombu.exceptions import OperationalError
from redis import RedisError

from classifier_models.endpoints import Endpoint
from worker import bells, broker_state, ending, interpreter, redacting, tasks
from worker.broker_transport import installing
from worker.gates import Gates
from worker.line import Line
from worker.metrics import Metrics
from worker.queues import RECORD, SWEEP, UPKEEP, classify_queue
from worker.recording import IDS_PER_BELL
from worker.settings import Settings
from worker.store import engine as engines
from worker.store import migrations
from worker.store.recording import Key

DIRECT = Exchange("")

END_ANYWAY_SECONDS = 5.0
"""After `drain_seconds`, for threads that a service which takes requests and stays silent will never give back."""

SWEEPS_SEEN = 3
"""For so many sweeps a worker tells what it saw in its last one; then others have swept, and know better."""

STARTS_KEPT = 12
"""Sweeps, or upkeeps, that may wait for a worker; what is over expires."""

LEAST_EXPIRY_SECONDS = 60.0
"""Hosts whose clocks are less far apart than this work together."""

log = structlog.get_logger()


def make(settings: Settings, *, redis_url: str, gates: Gates | None = None) -> Celery:
    """Return an app that publishes to and consumes from `redis_url` through our own transport."""
    app = Celery("aftertag", set_as_current=False)
    installing.install(
        app,
        redis_url=redis_url,
        gates=gates or Gates(),
        visibility_timeout=settings.visibility_timeout_seconds,
    )
    app.conf.update(
        worker_hijack_root_logger=False,
        worker_pool="threads",
        worker_concurrency=settings.threads,
        task_publish_retry=False,
        task_create_missing_queues=True,
        timezone="UTC",
        beat_scheduler="celery.beat:Scheduler",  # in memory: our schedules need no file
        beat_schedule={
            "sweep": _every(settings.sweep_seconds, tasks.SWEEP, SWEEP),
            "upkeep": _every(settings.upkeep_seconds, tasks.UPKEEP, UPKEEP),
        },
    )
    return app


def run_worker(
    settings: Settings, *, database_url: str, redis_url: str, endpoints: Mapping[str, Endpoint], name: str | None = None
) -> int:
    """Work until TERM or Ctrl-C; return the exit code: 0 when everything was finished or released.

    Raise SchemaOutdatedError when the database is not at this release's schema.
    """
    interpreter.share_arenas()
    redaction = redacting.named(settings.redact)
    gates = Gates()
    engine = engines.connect(database_url, application="aftertag worker", connections=settings.threads + 4)
    migrations.require_current(engine)
    app = make(settings, redis_url=redis_url, gates=gates)
    endpoints = servable(endpoints)
    app.conf.task_queues = [_queue(one) for one in (RECORD, SWEEP, UPKEEP, *map(classify_queue, endpoints))]
    metrics = Metrics(waits_kept_seconds=SWEEPS_SEEN * settings.sweep_seconds)
    if settings.metrics_port:
        metrics.serve(host=settings.metrics_host, port=settings.metrics_port)
    client = broker_state.connect(redis_url)
    line = Line(
        settings=settings,
        engine=engine,
        endpoints=endpoints,
        gates=gates,
        ring=lambda endpoint, keys: ring(app, endpoint, keys),
        metrics=metrics,
        depth=lambda queue: int(client.llen(queue)),
        redaction=redaction,
    )
    tasks.register(app, line, redis_url=redis_url)
    return _work(app, line, name=name)


def servable(endpoints: Mapping[str, Endpoint], *, module: str = "sklearn") -> dict[str, Endpoint]:
    """Return the endpoints that this worker can ask: without scikit-learn (`module`) not the built-in model.

    What is for the others stays in its queue, for a worker that can: asked here, each would fail for good.
    """
    if importlib.util.find_spec(module) is not None:
        return dict(endpoints)
    left = [name for name, endpoint in endpoints.items() if endpoint.dialect == "local"]
    log.warning(
        "scikit-learn is not installed: what asks the built-in model waits for a worker that has it;"
        " pip install 'aftertag[local]'",
        endpoints=left,
    )
    return {name: endpoint for name, endpoint in endpoints.items() if name not in left}


def run_beat(settings: Settings, *, redis_url: str) -> None:
    """Start a sweep and an upkeep when each is due, until TERM or Ctrl-C. One per installation; two do no harm."""
    app = make(settings, redis_url=redis_url)
    app.Beat(quiet=True, loglevel="INFO", max_interval=1).run()


def ring(app: Celery, endpoint: str, keys: Sequence[Key]) -> None:
    """Publish bells for `keys`. A bell that cannot be rung is no loss: the sweep rings again."""
    for ids in bells.write(keys, size=IDS_PER_BELL):
        try:
            send(app, tasks.CLASSIFY, [endpoint, ids], queue=classify_queue(endpoint), shown=f"{len(ids)} ids")
        except (OperationalError, RedisError):
            log.warning("Redis is away; the sweep will ring again", endpoint=endpoint, ids=len(ids))
            return


def send(app: Celery, name: str, args: list[Any], *, queue: str, shown: str) -> None:
    """Publish one task; `shown` is all that logs and events will ever show of its arguments."""
    app.send_task(name, args, queue=_queue(queue), argsrepr=shown, kwargsrepr="", ignore_result=True, retry=False)


def _work(app: Celery, line: Line, *, name: str | None) -> int:
    def stop_claiming(**_: Any) -> None:
        log.info("stopping: no new calls", in_flight=line.calls.in_flight)
        line.stop_claiming()
        last = threading.Timer(line.settings.drain_seconds + END_ANYWAY_SECONDS, _end_anyway)
        last.daemon = True
        last.start()

    # Celery warns root of pickled messages; ours are JSON, checked before Celery sees them.
    warnings.filterwarnings("ignore", category=SecurityWarning)
    signals.worker_shutting_down.connect(stop_claiming, weak=False)
    line.start()
    try:
        worker = _quiet(app.Worker)(
            hostname=name or f"aftertag@{socket.gethostname()}",
            loglevel="INFO",
            without_gossip=True,
            without_mingle=True,
            without_heartbeat=True,
            quiet=True,
        )
        interpreter.collect_rarely()
        worker.start()
    finally:
        signals.worker_shutting_down.disconnect(stop_claiming)
        if not line.stopping_since:
            line.stop_claiming()
        line.stop()
    log.info("stopped")
    return int(worker.exitcode or 0)


def _quiet(worker_class: Any) -> Any:
    """Celery's worker without the bare line that it writes among the log's when it is told to stop: we log that."""

    class Quiet(worker_class):  # type: ignore[misc]
        def install_platform_tweaks(self, worker: Any) -> None:
            super().install_platform_tweaks(worker)
            # Celery's own way for Ctrl-C ends with 1, as if something had gone wrong.
            for name in ("SIGTERM", "SIGINT"):
                install_worker_term_handler(worker, sig=name, verbose=False)

    return Quiet


def _end_anyway() -> None:
    """Leave as a killed worker does: leases and unacknowledged messages bring back what it held."""
    log.error("threads hang in Postgres or Redis; ending without them")
    ending.leave()


def _queue(name: str) -> Queue:
    return Queue(name, DIRECT, routing_key=name)


def _every(seconds: float, task: str, queue: str) -> dict[str, Any]:
    # Starts that nobody takes end some day, else they would pile up. Not soon: the end is by beat's clock, and a worker
    # whose clock is ahead of it by as much drops every start without a word.
    expires = max(STARTS_KEPT * seconds, LEAST_EXPIRY_SECONDS)
    options = {"queue": _queue(queue), "expires": expires, "argsrepr": "()", "kwargsrepr": "{}"}
    return {"task": task, "schedule": timedelta(seconds=seconds), "options": options}
