"""The server: its socket, its process or processes with their services, and an end that answers who is being recorded."""

import math
import socket
import threading
from collections.abc import Callable
from functools import partial
from types import FrameType

import structlog
import uvicorn

from console.server import app as application
from console.server import intake, keyring, processes, recorders
from console.server.house import House
from console.server.punctual import Punctual
from worker import app as celery_app
from worker import broker_state, ending, errors, interpreter, redacting
from worker import log as logs
from worker.redacting import Redaction
from worker.settings import Settings
from worker.store import engine as engines
from worker.store import migrations
from worker.store.connecting import Engine

CONNECTIONS = recorders.THREADS + intake.WRITING_THREADS + keyring.LOOKING_THREADS
"""Each thread that talks to Postgres has one; the engine may double them."""

END_ANYWAY_SECONDS = 5.0
"""After `drain_seconds`, for threads that a Postgres which takes statements and stays silent will never give back."""

KEEP_ALIVE_SECONDS = 65
"""Longer than the minute for which the usual load balancers keep a connection: they close it, not we."""

HIGHEST_PORT = 65_535

log = structlog.get_logger()


def run(settings: Settings, *, database_url: str, redis_url: str | None) -> None:
    """Serve until TERM or Ctrl-C. Raise SettingsError for an address that cannot be had, SchemaOutdatedError."""
    redacting.named(settings.redact)  # what cannot be used is told once, before there are processes
    last_metrics_port = settings.metrics_port + settings.http_processes - 1
    if settings.metrics_port and last_metrics_port > HIGHEST_PORT:
        raise errors.SettingsError(
            f"AFTERTAG_METRICS_PORT is {settings.metrics_port}: the metrics of the last of {settings.http_processes}"
            f" processes would be at {last_metrics_port}, which is no port; choose a lower one."
        )
    with engines.connecting(database_url, application="aftertag server") as engine:
        migrations.require_current(engine)
    with _listen(settings.http_host, settings.http_port) as listening:
        serve = partial(_serve, settings, listening, database_url, redis_url)
        ready = partial(_say_ready, settings, listening)
        if settings.http_processes == 1:
            serve(0, ready)
        else:
            processes.run(serve, count=settings.http_processes, ready=ready)
    log.info("stopped")


def _serve(
    settings: Settings,
    listening: socket.socket,
    database_url: str,
    redis_url: str | None,
    place: int,
    ready: Callable[[], None],
) -> None:
    """Serve as the process of this place until TERM or Ctrl-C, and call `ready` once requests are taken."""
    if settings.http_processes > 1:
        logs.configure(settings)  # this is another interpreter than the one that was told
    redaction = redacting.named(settings.redact)
    engine = engines.connect(database_url, application="aftertag server", connections=CONNECTIONS)
    try:
        house = _house(settings, engine, redis_url, redaction)
        if settings.metrics_port:
            house.metrics.serve(host=settings.metrics_host, port=settings.metrics_port + place)
        server = _Server(_config(settings, house), house, ready, drain_seconds=settings.drain_seconds)
        interpreter.collect_rarely()
        server.run(sockets=[listening])
    finally:
        engine.dispose()


def _config(settings: Settings, house: House) -> uvicorn.Config:
    return uvicorn.Config(
        application.make(house),
        http=Punctual,
        log_config=None,
        access_log=False,
        lifespan="on",
        ws="none",
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=math.ceil(settings.drain_seconds),
    )


def _say_ready(settings: Settings, listening: socket.socket) -> None:
    host, port = listening.getsockname()[:2]
    shown = f"[{host}]" if ":" in host else host
    log.info("aftertag serve ready.", address=f"http://{shown}:{port}", processes=settings.http_processes)


class _Server(uvicorn.Server):
    """uvicorn's, which says when it takes requests, and whose end is 0 when it was asked to end, and comes in any case."""

    def __init__(
        self, config: uvicorn.Config, house: House, ready: Callable[[], None], *, drain_seconds: float
    ) -> None:
        super().__init__(config)
        self._house = house
        self._ready = ready
        self._drain_seconds = drain_seconds

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._ready()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        log.info("stopping: no new requests", under_way=len(self.server_state.tasks))
        self._house.stop_waiting()
        await super().shutdown(sockets)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        if not self.should_exit:
            last = threading.Timer(self._drain_seconds + END_ANYWAY_SECONDS, ending.leave)
            last.daemon = True
            last.start()
        self.should_exit = True


def _house(settings: Settings, engine: Engine, redis_url: str | None, redaction: Redaction | None) -> House:
    if redis_url is None:
        log.warning("there is no Redis; the sweep rings for what comes in")
        return House(
            settings=settings,
            engine=engine,
            ring=lambda endpoint, keys: None,
            depth=lambda queue: 10**9,
            redaction=redaction,
        )
    celery, client = celery_app.make(settings, redis_url=redis_url), broker_state.connect(redis_url)
    return House(
        settings=settings,
        engine=engine,
        ring=lambda endpoint, keys: celery_app.ring(celery, endpoint, keys),
        depth=lambda queue: int(client.llen(queue)),
        redaction=redaction,
    )


def _listen(host: str, port: int) -> socket.socket:
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        return socket.create_server((host, port), family=family, backlog=2_048)
    except OSError as error:
        raise errors.SettingsError(
            f"AFTERTAG_HTTP_PORT is {port}, which cannot be served at AFTERTAG_HTTP_HOST {host!r} ({error.strerror});"
            " free it, or choose another."
        ) from None
