"""`aftertag up` and `aftertag down`: everything on one machine."""

import os
import signal
import socket
import threading
from contextlib import ExitStack
from datetime import UTC, datetime

import typer

from console import output, session

PROCESSES = ("worker", "beat", "serve")


def register(app: typer.Typer) -> None:
    app.command()(up)
    app.command()(down)


def up() -> None:
    """Run everything on this machine, until Ctrl-C: PostgreSQL, Redis, a worker, a beat and the HTTP server.

    PostgreSQL and Redis are embedded ones that keep their data in AFTERTAG_DATA_DIR, unless AFTERTAG_DATABASE_URL or
    AFTERTAG_REDIS_URL names a real one. The database is migrated first. A second `up` on the same data directory says
    so and touches nothing.
    """
    from worker import errors, household
    from worker.embedded import running_at, services
    from worker.store import engine as engines
    from worker.store import migrations, partitions

    settings = session.settings()
    stop = threading.Event()
    for one in (signal.SIGINT, signal.SIGTERM):
        signal.signal(one, lambda *_: stop.set())
    with ExitStack() as stack:
        running = stack.enter_context(
            services(
                settings.data_dir,
                database_url=settings.database_url.get_secret_value() if settings.database_url else None,
                redis_url=settings.redis_url.get_secret_value() if settings.redis_url else None,
                redis_engine=settings.redis_engine,
                durable=True,
            )
        )
        migrations.upgrade(running.database_url)
        with engines.connecting(running.database_url, application="aftertag up") as engine:
            partitions.make_ahead(engine, today=datetime.now(UTC).date())
        port = settings.http_port or _free_port(settings.http_host)
        environ = {**os.environ, "AFTERTAG_HTTP_PORT": str(port)}
        home = stack.enter_context(household.household(running, environ, names=PROCESSES, shown=True))
        for line in running.describe():
            output.note(line)
        output.note(f"Data directory: {running.data_dir}")
        output.note(
            f"HTTP: http://{settings.http_host}:{port}/docs; a key: `aftertag key create NAME -w … --application …`"
        )
        output.note(
            'For your application, in its shell: eval "$(aftertag env -w WORKSPACE)" says where the hook sends.'
        )
        output.note("Everything is up. Ctrl-C ends it; in another terminal try `aftertag doctor`.")
        while not stop.wait(0.5):
            if ended := home.ended():
                raise errors.ProcessEndedError(f"The {ended} ended by itself; its last lines above say why.")
            if running_at(running.data_dir) is None:
                raise errors.ProcessEndedError("The embedded services' keeper ended; run `aftertag up` again.")
        output.note("Ending: calls under way are finished first …")


def _free_port(host: str) -> int:
    """A port that nobody has at this moment, to be known here and to the server."""
    with socket.create_server((host, 0)) as found:
        return int(found.getsockname()[1])


def down() -> None:
    """End what runs in the data directory: what `aftertag demo --keep` left, also after it was killed, or an `up`."""
    from worker import embedded, household

    data_dir = session.settings().data_dir
    ended = household.stop_kept(data_dir)
    if not (embedded.stop(data_dir) or ended):
        output.note(f"Nothing is running in {str(data_dir)!r}.")
        return
    output.note(f"Ended what was running in {str(data_dir)!r}; its data is kept.")
