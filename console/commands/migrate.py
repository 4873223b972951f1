"""`aftertag migrate`: bring the database to this release's schema."""

import typer

from console import output, session
from console.options import AsJson


def register(app: typer.Typer) -> None:
    app.command()(migrate)


def migrate(as_json: AsJson = False) -> None:
    """Bring the database to this release's schema, and make the days ahead.

    Only ever forward, on data that exists; a database that is there already is left alone. Run it before the
    workers of a new release start. Uses AFTERTAG_DATABASE_URL, else the database of a running `aftertag up`.
    """
    from datetime import UTC, datetime

    from worker.store import engine as engines
    from worker.store import migrations, partitions

    url = session.database_url()
    migrations.upgrade(url)
    with engines.connecting(url, application="aftertag migrate") as engine:
        days_made = partitions.make_ahead(engine, today=datetime.now(UTC).date())
        revision = migrations.current(engine)
    if as_json:
        output.json_object({"schema": revision, "days_made": days_made})
    else:
        output.line(f"The database is at schema {revision}.")
