"""`aftertag member`: the people of a workspace."""

from dataclasses import asdict
from typing import Annotated, Literal

import typer

from console import options, output, session

NameArgument = Annotated[str, typer.Argument(metavar="NAME", help="How the person is called here.")]


def register(app: typer.Typer) -> None:
    """Add the group to the application."""
    group = typer.Typer(no_args_is_help=True)
    group.command("create")(create)
    group.command("add", hidden=True)(create)  # its former name
    group.command("list")(list_)
    group.command("role")(role_)
    group.command("revoke")(revoke)
    app.add_typer(group, name="member", help="Members: the people of a workspace, to whom calls are billed.")


def create(
    name: NameArgument,
    workspace: options.Workspace,
    role: Annotated[
        Literal["admin", "member"], typer.Option(help="An admin's keys may configure, a member's may read.")
    ] = "member",
    as_json: options.AsJson = False,
) -> None:
    """Make a person a member of a workspace, also one who was revoked before.

    Example: `aftertag member create ada --workspace acme --role admin`
    """
    from worker.store import members

    with session.engine() as engine, engine.begin() as connection:
        made = members.create(connection, workspace, name, role=role)
    if as_json:
        output.json_object(asdict(made))
    else:
        output.line(_is(name, role, workspace))


def list_(workspace: options.Workspace, as_json: options.AsJson = False) -> None:
    """List a workspace's members, revoked ones too: what they configured and what was billed to them keeps their name."""
    from worker.store import members

    with session.engine() as engine, engine.begin() as connection:
        found = members.list_all(connection, workspace)
    if as_json:
        output.json_object([asdict(member) for member in found])
        return
    output.table(
        None,
        ["member", "role", "keys", "since (UTC)", "revoked (UTC)"],
        [(member.name, member.role, member.keys, member.created_at, member.revoked_at) for member in found],
        empty=f"{workspace!r} has no members yet; make one with `aftertag member create NAME --workspace {workspace}`.",
    )


def role_(
    name: NameArgument,
    role: Annotated[Literal["admin", "member"], typer.Argument(help="What they are from now on.")],
    workspace: options.Workspace,
    as_json: options.AsJson = False,
) -> None:
    """Change what a member may do. The keys of somebody who is an admin no more become a member's.

    Example: `aftertag member role ada admin --workspace acme`
    """
    from worker.store import members

    with session.engine() as engine, engine.begin() as connection:
        done = members.change_role(connection, workspace, name, role)
    if as_json:
        output.json_object({"name": name, "workspace": workspace, "role": role, **asdict(done)})
        return
    output.line(_is(name, role, workspace) if done.changed else f"{_is(name, role, workspace)[:-1]} already.")
    if done.keys_lowered:
        output.note(f"Keys that have the role member now: {done.keys_lowered}.")


def revoke(name: NameArgument, workspace: options.Workspace, as_json: options.AsJson = False) -> None:
    """End a membership and the person's keys, at once. What they configured goes on until somebody else changes it.

    `aftertag member create` brings them back; their keys stay ended.
    """
    from worker.store import members

    with session.engine() as engine, engine.begin() as connection:
        left = members.revoke(connection, workspace, name)
    if as_json:
        output.json_object({"name": name, "workspace": workspace, **asdict(left)})
        return
    output.line(
        f"{name!r} is no member of {workspace!r} any more; keys ended: {left.keys_ended}."
        if left.changed
        else f"{name!r} was revoked before; nothing changed."
    )
    if left.classifiers:
        output.note(
            f"Still active and billed to {name!r}, who configured them: {', '.join(left.classifiers)}."
            " Whoever changes one next pays; `aftertag classifier pause` stops it."
        )


def _is(name: str, role: str, workspace: str) -> str:
    return f"{name!r} is {'an admin' if role == 'admin' else 'a member'} of {workspace!r}."
