"""`aftertag migrate`: bring the database to this release's schema."""

import typer

from console import output, session


def register(app: typer.Typer) -> None:
    app.command()(migrate)


def migrate() -> None:
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
        partitions.make_ahead(engine, today=datetime.now(UTC).date())
        revision = migrations.current(engine)
    output.line(f"The database is at schema {revision}.")
