"""`aftertag serve`: take generations over HTTP, until told to stop."""

from typing import Annotated

import typer

from console import errors, session


def register(app: typer.Typer) -> None:
    app.command()(serve)


def serve(
    host: Annotated[
        str | None, typer.Option(help="Address to serve on; unset: AFTERTAG_HTTP_HOST.", show_default=False)
    ] = None,
    port: Annotated[
        int | None,
        typer.Option(help="Port; 0: any free one; unset: AFTERTAG_HTTP_PORT.", min=0, max=65_535, show_default=False),
    ] = None,
    processes: Annotated[
        int | None,
        typer.Option(
            help="How many processes, one a core at most; unset: AFTERTAG_HTTP_PROCESSES.",
            min=1,
            max=64,
            show_default=False,
        ),
    ] = None,
) -> None:
    """Take generations over HTTP with a key, until TERM or Ctrl-C; each is in PostgreSQL before it is answered.

    One process computes on one core; `--processes` starts several at the same port. Start as many servers as you like
    behind a load balancer that also speaks TLS. Without Redis the server records all the same: what comes in is
    classified when the sweep rings for it, some seconds later. On TERM it takes no more, answers what it has begun
    within AFTERTAG_DRAIN_SECONDS, and exits with 0.

    \b
    Example:
      aftertag key create shop --workspace acme --application shop
      curl http://127.0.0.1:8787/v1/generations -H "Authorization: Bearer atk_…" -d @generation.json
    """
    from console.server import serving
    from worker import log

    settings = session.settings()
    given = {
        name: value
        for name, value in (("http_host", host), ("http_port", port), ("http_processes", processes))
        if value is not None
    }
    settings = settings.model_copy(update=given)
    log.configure(settings)
    serving.run(settings, database_url=session.database_url(), redis_url=_redis_url())


def _redis_url() -> str | None:
    try:
        return session.redis_url()
    except errors.NothingRunningError:
        return None
