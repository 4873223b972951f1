"""The process that starts the services, watches over them, and ends them when its starter ends.

It is a process of its own so that Ctrl-C reaches the starter alone, so that a starter killed with -9 still gets
its services ended in order, and so that services can outlive the command that started them (`keep`).
It talks over its standard streams: an Order comes in, a Reply goes out, then `keep` may come in; the end of
standard input means the starter is gone.
"""

import json
import os
import selectors
import signal
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

from worker.embedded import errors, state
from worker.embedded.postgres import Postgres
from worker.embedded.redis_engine import Wanted
from worker.embedded.redis_server import RedisServer

_LOOK_SECONDS = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What to start. A URL that is given means: that service is not ours to start."""

    data_dir: str
    database_url: str | None
    redis_url: str | None
    redis_engine: Wanted
    durable: bool
    starter_pid: int

    def to_line(self) -> bytes:
        return json.dumps(asdict(self)).encode() + b"\n"


def main() -> int:
    """Serve one order from standard input. The exit code is 0 after an orderly end, 1 when nothing was started."""
    wake_up = _wake_up_on_signals()
    order = Order(**json.loads(sys.stdin.buffer.readline()))
    data_dir = Path(order.data_dir)
    try:
        with state.lock(data_dir, starter_pid=order.starter_pid):
            _serve(order, data_dir, wake_up)
    except errors.AlreadyRunningError as error:
        _reply({"already_running": error.pid})
        return 1
    except errors.EmbeddedError as error:
        _reply({"failed": str(error), "kind": type(error).__name__})
        return 1
    return 0


def _serve(order: Order, data_dir: Path, wake_up: int) -> None:
    postgres = None if order.database_url else Postgres(directory=data_dir / "postgres", durable=order.durable)
    redis = (
        None
        if order.redis_url
        else RedisServer(directory=data_dir / "redis", wanted=order.redis_engine, durable=order.durable)
    )
    ours = [service for service in (redis, postgres) if service is not None]
    try:
        for service in ours:
            service.start()
        running = state.Running(
            data_dir=data_dir,
            database_url=postgres.url if postgres else str(order.database_url),
            redis_url=redis.url if redis else str(order.redis_url),
            redis_engine=redis.engine.name if redis else "given",
            postgres_description=postgres.description if postgres else "the one AFTERTAG_DATABASE_URL names",
            redis_description=redis.description if redis else "the one AFTERTAG_REDIS_URL names",
            pid=os.getpid(),
        )
        state.write(running)
        _reply({"ready": running.to_json()})
        _watch(order, data_dir, ours, wake_up)
    finally:
        state.remove(data_dir)
        for service in ours:
            service.stop()


def _watch(order: Order, data_dir: Path, ours: list[RedisServer | Postgres], wake_up: int) -> None:
    kept = False
    selector = selectors.DefaultSelector()
    selector.register(wake_up, selectors.EVENT_READ)
    selector.register(sys.stdin.fileno(), selectors.EVENT_READ)
    while True:
        ready = {key.fd for key, _ in selector.select(timeout=_LOOK_SECONDS)}
        if wake_up in ready:
            return
        if sys.stdin.fileno() in ready:
            if os.read(sys.stdin.fileno(), 100).startswith(b"keep"):
                kept = True
                selector.unregister(sys.stdin.fileno())
                state.hand_over_lock(data_dir)
                _reply({"kept": True})
            else:
                return
        # A fork of the starter may hold our standard input open, so its end alone does not tell.
        if not kept and os.getppid() != order.starter_pid:
            return
        for service in ours:
            if service.pid is None:
                service.start()


def _wake_up_on_signals() -> int:
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    signal.set_wakeup_fd(writer)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda *_: None)
    return reader


def _reply(message: dict[str, object]) -> None:
    try:
        sys.stdout.write(json.dumps(message) + "\n")
        sys.stdout.flush()
    except BrokenPipeError:
        return  # the starter is gone; its end is noticed where it is waited for


if __name__ == "__main__":
    sys.exit(main())
