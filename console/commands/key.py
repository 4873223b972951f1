"""`aftertag key`: keys for the HTTP API."""

from dataclasses import asdict
from typing import Annotated, Literal

import typer

from console import options, output, session

NameArgument = Annotated[str, typer.Argument(metavar="NAME", help="What the key is called in lists.")]


def register(app: typer.Typer) -> None:
    """Add the group to the application."""
    group = typer.Typer(no_args_is_help=True)
    group.command("create")(create)
    group.command("list")(list_)
    group.command("revoke")(revoke)
    app.add_typer(group, name="key", help="Keys for the HTTP API that `aftertag serve` offers.")


def create(
    name: NameArgument,
    workspace: options.Workspace,
    application: Annotated[
        str | None, typer.Option(help="The application it is for: it may hand in generations and read nothing.")
    ] = None,
    member: Annotated[str | None, typer.Option(help="The member it is for.")] = None,
    role: Annotated[
        Literal["admin", "member"] | None, typer.Option(help="What a member's key may do; member unless given.")
    ] = None,
    as_json: options.AsJson = False,
) -> None:
    """Make a key for the HTTP API and show it, this once: only its hash is kept.

    An application's key hands generations, feedback and traces in to `aftertag serve`, into this workspace, and reads
    nothing: put it into the application's AFTERTAG_KEY beside AFTERTAG_URL, or send `Authorization: Bearer atk_…`.
    A member's key is for reading and configuring over HTTP, which this release does not offer yet; nothing can be handed
    in with it.

    \b
    Examples:
      aftertag key create shop --workspace acme --application shop
      aftertag key create ada-laptop --workspace acme --member ada --role admin
    """
    from worker.store import keys

    if (application is None) == (member is None):
        raise typer.BadParameter("give one of --application and --member", param_hint="--application / --member")
    if application is not None and role is not None:
        raise typer.BadParameter("an application's key always has the role ingest; leave it out", param_hint="--role")
    with session.engine() as engine, engine.begin() as connection:
        if application is not None:
            made = keys.create_for_application(connection, workspace, name, application=application)
        else:
            made = keys.create_for_member(connection, workspace, name, member=str(member), role=role or "member")
    if as_json:
        output.json_object({**_document(made.key), "token": made.token})
        return
    output.note(f"Key {name!r} of the role {made.key.role}; it is shown this once, keep it safe:")
    output.line(made.token)


def list_(workspace: options.Workspace, as_json: options.AsJson = False) -> None:
    """List a workspace's keys, revoked ones too; of a token only how it begins."""
    from worker.store import keys

    with session.engine() as engine, engine.begin() as connection:
        found = keys.list_all(connection, workspace)
    if as_json:
        output.json_object([_document(key) for key in found])
        return
    output.table(
        None,
        ["key", "role", "of", "begins", "created (UTC)", "last used (UTC)", "revoked (UTC)"],
        [
            (
                key.name,
                key.role,
                key.member or key.application,
                key.prefix,
                key.created_at,
                key.last_used_at,
                key.revoked_at,
            )
            for key in found
        ],
        empty=f"{workspace!r} has no keys; make one with `aftertag key create NAME --workspace {workspace}`.",
    )


def revoke(name: NameArgument, workspace: options.Workspace, as_json: options.AsJson = False) -> None:
    """End a key for good; a server that has just seen it takes it for five more seconds."""
    from worker.store import keys

    with session.engine() as engine, engine.begin() as connection:
        ended = keys.revoke(connection, workspace, name)
    if as_json:
        output.json_object({"name": name, "workspace": workspace, "changed": ended})
        return
    output.line(f"Key {name!r} is revoked." if ended else f"Key {name!r} was revoked before; nothing changed.")


def _document(key: object) -> dict[str, object]:
    return asdict(key)  # type: ignore[call-overload, no-any-return]
