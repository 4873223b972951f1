"""`aftertag sql`: psql on the right database."""

import os

import typer

from console import psql, session


def register(app: typer.Typer) -> None:
    app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})(sql)


def sql(context: typer.Context) -> None:
    """Open psql on the database; whatever follows goes to psql.

    \b
    Examples:
      aftertag sql
      aftertag sql -c "select tags->>'department', count(*) from generations group by 1"
      aftertag sql --csv -c "select * from spend"
      aftertag sql -- --help
    """
    wanted = psql.order(session.database_url(), tuple(context.args))
    # In our place, so that Ctrl-C, the terminal and the exit code are psql's.
    os.execve(wanted.program, wanted.arguments, {**os.environ, **wanted.environment})  # noqa: S606
