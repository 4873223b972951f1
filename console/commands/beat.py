"""`aftertag beat`: the clock that starts sweeps and upkeep."""

import typer

from console import session


def register(app: typer.Typer) -> None:
    app.command()(beat)


def beat() -> None:
    """Start a sweep every few seconds and an upkeep every few minutes, until TERM or Ctrl-C.

    The sweep rings again for whatever waits too long and takes back what a dead worker held; the upkeep makes
    partitions ahead and drops what has expired. One per installation is enough; two do no harm.
    """
    from worker import app, log

    settings = session.settings()
    log.configure(settings)
    app.run_beat(settings, redis_url=session.redis_url())
