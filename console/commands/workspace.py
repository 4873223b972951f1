"""`aftertag workspace`: the tenants."""

from typing import Annotated

import typer

from console import options, output, session

NameArgument = Annotated[str, typer.Argument(metavar="NAME", help="a-z, 0-9, - and _; up to 63.")]
KeepTextDays = typer.Option(
    min=0, max=3_650, help="How many days the text of generations is kept; 0: not after classification."
)


def register(app: typer.Typer) -> None:
    """Add the group to the application."""
    group = typer.Typer(no_args_is_help=True)
    group.command("create")(create)
    group.command("list")(list_)
    group.command("update")(update)
    app.add_typer(group, name="workspace", help="Workspaces: the tenants; nothing crosses them.")


def create(
    name: NameArgument,
    keep_text_days: Annotated[int, KeepTextDays] = 30,
    actor: options.Actor = "",
    as_json: options.AsJson = False,
) -> None:
    """Make a workspace. Whoever makes it is its first admin.

    Example: `aftertag workspace create acme --keep-text-days 7`
    """
    from worker.store import members, workspaces

    actor = options.who(actor)
    with session.engine() as engine, engine.begin() as connection:
        workspaces.create(connection, name, keep_text_days=keep_text_days)
        members.acting(connection, name, actor)
        made = workspaces.find(connection, name)
    if as_json:
        output.json_object(_document(made))
    else:
        output.line(f"Workspace {name!r} is there; {actor!r} is its admin, {_kept(made.keep_text_days)}.")


def list_(as_json: options.AsJson = False) -> None:
    """List every workspace."""
    from worker.store import workspaces

    with session.engine() as engine, engine.begin() as connection:
        found = workspaces.list_all(connection)
    if as_json:
        output.json_object([_document(workspace) for workspace in found])
        return
    output.table(
        None,
        ["workspace", "text is kept", "members", "classifiers", "created (UTC)"],
        [(one.name, f"{one.keep_text_days} days", one.members, one.classifiers, one.created_at) for one in found],
        empty="There is no workspace yet; make one with `aftertag workspace create NAME`.",
    )


def update(name: NameArgument, keep_text_days: Annotated[int, KeepTextDays], as_json: options.AsJson = False) -> None:
    """Change how long a workspace keeps text.

    Example: `aftertag workspace update acme --keep-text-days 0`
    """
    from worker.store import workspaces

    with session.engine() as engine, engine.begin() as connection:
        changed = workspaces.update(connection, name, keep_text_days=keep_text_days)
    if as_json:
        output.json_object(_document(changed))
    else:
        output.line(f"Workspace {name!r}: {_kept(changed.keep_text_days)}.")


def _kept(days: int) -> str:
    return f"text is kept for {days} days" if days else "text is not kept after classification"


def _document(workspace: object) -> dict[str, object]:
    from dataclasses import asdict

    return asdict(workspace)  # type: ignore[call-overload, no-any-return]
