"""`aftertag env`: what an application on this machine sets, so that its hook reaches what runs here."""

import shlex
from typing import Annotated

import typer

from console import output, session
from console.options import AsJson


def register(app: typer.Typer) -> None:
    app.command()(env)


def env(
    workspace: Annotated[
        str | None,
        typer.Option("--workspace", "-w", help="Whose the application's generations are.", show_default=False),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Print the variables that tell an application's hook where to send: the Redis of `up`, or the one that is set.

    It carries Redis' password, and whoever can write to Redis is trusted for every workspace. An application elsewhere
    gets a key instead, and the address of `aftertag serve`: AFTERTAG_URL=https://… and AFTERTAG_KEY=atk_….

    \b
    Example:
      eval "$(aftertag env -w acme)"
    """
    found = {"AFTERTAG_URL": session.redis_url()} | ({"AFTERTAG_WORKSPACE": workspace} if workspace else {})
    if as_json:
        output.json_object(found)
        return
    for name, value in found.items():
        output.line(f"export {name}={shlex.quote(value)}")
