"""One server process: its socket, its services, and its end, which answers whoever is being recorded."""

import math
import socket
import threading
from types import FrameType

import structlog
import uvicorn

from console.server import app as application
from console.server import intake, keyring, recorders
from console.server.house import House
from console.server.punctual import Punctual
from worker import app as celery_app
from worker import broker_state, ending, errors, redacting
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

log = structlog.get_logger()


def run(settings: Settings, *, database_url: str, redis_url: str | None) -> None:
    """Serve until TERM or Ctrl-C. Raise SettingsError for an address that cannot be had, SchemaOutdatedError."""
    redaction = redacting.named(settings.redact)
    engine = engines.connect(database_url, application="aftertag server", connections=CONNECTIONS)
    try:
        migrations.require_current(engine)
        with _listen(settings.http_host, settings.http_port) as listening:
            _serve(settings, _house(settings, engine, redis_url, redaction), listening)
    finally:
        engine.dispose()
    log.info("stopped")


def _serve(settings: Settings, house: House, listening: socket.socket) -> None:
    if settings.metrics_port:
        house.metrics.serve(host=settings.metrics_host, port=settings.metrics_port)
    config = uvicorn.Config(
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
    host, port = listening.getsockname()[:2]
    shown = f"[{host}]" if ":" in host else host
    log.info("aftertag serve ready.", address=f"http://{shown}:{port}")
    _Server(config, house, drain_seconds=settings.drain_seconds).run(sockets=[listening])


class _Server(uvicorn.Server):
    """uvicorn's, whose end is 0 when it was asked to end, and comes in any case."""

    def __init__(self, config: uvicorn.Config, house: House, *, drain_seconds: float) -> None:
        super().__init__(config)
        self._house = house
        self._drain_seconds = drain_seconds

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
