"""`aftertag worker`: record what comes in and classify it, until told to stop."""

import sys
from typing import Annotated

import typer

from console import session


def register(app: typer.Typer) -> None:
    app.command()(worker)


def worker(
    name: Annotated[
        str | None, typer.Option(help="The name of this worker in its logs; %h is the host's name.", show_default=False)
    ] = None,
) -> None:
    """Record what comes in and classify it, until TERM or Ctrl-C.

    Start as many as you like, on as many machines as you like: all they share is PostgreSQL and Redis. On TERM a
    worker claims no more, finishes its model calls for AFTERTAG_DRAIN_SECONDS, releases the rest and exits with 0.
    One `aftertag beat` beside them all makes sure that nothing is forgotten.
    """
    from worker import app, log

    settings = session.settings()
    log.configure(settings)
    code = app.run_worker(
        settings,
        database_url=session.database_url(),
        redis_url=session.redis_url(),
        endpoints=session.endpoints(),
        name=name,
    )
    sys.exit(code)
