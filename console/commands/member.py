"""`aftertag member`: the people of a workspace."""

from dataclasses import asdict
from typing import Annotated, Literal

import typer

from console import options, output, session


def register(app: typer.Typer) -> None:
    """Add the group to the application."""
    group = typer.Typer(no_args_is_help=True)
    group.command("add")(add)
    group.command("list")(list_)
    app.add_typer(group, name="member", help="Members: the people of a workspace, to whom calls are billed.")


def add(
    name: Annotated[str, typer.Argument(metavar="NAME", help="How the person is called here.")],
    workspace: options.Workspace,
    role: Annotated[
        Literal["admin", "member"], typer.Option(help="An admin's keys may configure, a member's may read.")
    ] = "member",
    as_json: options.AsJson = False,
) -> None:
    """Add a person to a workspace.

    Example: `aftertag member add ada --workspace acme --role admin`
    """
    from worker.store import members

    with session.engine() as engine, engine.begin() as connection:
        added = members.add(connection, workspace, name, role=role)
    if as_json:
        output.json_object(asdict(added))
    else:
        output.line(f"{name!r} is {'an admin' if role == 'admin' else 'a member'} of {workspace!r}.")


def list_(workspace: options.Workspace, as_json: options.AsJson = False) -> None:
    """List a workspace's members."""
    from worker.store import members

    with session.engine() as engine, engine.begin() as connection:
        found = members.list_all(connection, workspace)
    if as_json:
        output.json_object([asdict(member) for member in found])
        return
    output.table(
        None,
        ["member", "role", "keys", "since (UTC)"],
        [(member.name, member.role, member.keys, member.created_at) for member in found],
        empty=f"{workspace!r} has no members yet; add one with `aftertag member add NAME --workspace {workspace}`.",
    )
