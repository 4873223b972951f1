"""`aftertag apply` and `aftertag export`: a workspace's classifiers as a file that people review."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from console import options, output, session

if TYPE_CHECKING:
    from console.applying import Applied, Change


def register(app: typer.Typer) -> None:
    """Add both commands to the application."""
    app.command("apply")(apply)
    app.command("export")(export)


def apply(
    file: Annotated[str, typer.Option("--file", "-f", help="The YAML file; - reads standard input.")],
    workspace: Annotated[
        str | None, typer.Option("--workspace", "-w", help="Instead of the workspace that the file names.")
    ] = None,
    prune: Annotated[
        bool, typer.Option("--prune", help="Pause active classifiers that the file does not name.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show what would change.")] = False,
    actor: options.Actor = "",
    as_json: options.AsJson = False,
) -> None:
    """Make a workspace's classifiers as a file says: all of it, or nothing.

    What differs is shown as a diff and becomes a new version; a second apply changes nothing.
    Classifiers that the file does not name are left alone.

    \b
    Example file:
      workspace: acme
      classifiers:
        work:
          state: active
          sampling_rate: 0.25
          preset:            # or prompt: and dimensions: of your own
            - department
            - task_type

    \b
    Examples:
      aftertag export --workspace acme > acme.yaml
      aftertag apply -f acme.yaml --dry-run
    """
    from console import applying, definitions

    source = definitions.source_of(file)
    endpoints = session.endpoints()
    wanted = applying.read(definitions.read_file(file), source=source, endpoints=endpoints)
    name = workspace or wanted.workspace
    if name is None:
        raise typer.BadParameter("the file names no workspace; give one", param_hint="--workspace")
    with session.engine() as engine, engine.connect() as connection, connection.begin() as transaction:
        applied = applying.apply(connection, name, wanted, prune=prune, actor=options.who(actor), endpoints=endpoints)
        if dry_run:
            transaction.rollback()
    if applied.changed_anything:
        for note in wanted.notes:
            output.note(note)
    if as_json:
        _tell_scripts(name, applied, dry_run=dry_run)
    else:
        _tell(name, applied, dry_run=dry_run)


def export(workspace: options.Workspace, as_json: options.AsJson = False) -> None:
    """Write a workspace's classifiers as YAML, which `aftertag apply` takes back.

    Example: `aftertag export --workspace acme > acme.yaml`
    """
    from console import applying
    from taxonomies import documents

    with session.engine() as engine, engine.begin() as connection:
        text = applying.export(connection, workspace)
    if as_json:
        output.json_object(documents.read(text, source="export"))
    else:
        output.document(text)


def _tell(workspace: str, applied: "Applied", *, dry_run: bool) -> None:
    if applied.keep_text_days is not None:
        before, after = applied.keep_text_days
        output.line(f"{workspace}: keep_text_days {before} → {after}")
    for change in applied.changes:
        output.line(f"{change.classifier}: {_what(change)}")
        if change.diff:
            output.diff(change.diff)
    if not applied.changed_anything:
        output.line("Nothing to change." if dry_run else "Nothing changed.")
    elif dry_run:
        output.line("This was a dry run: nothing is changed; leave --dry-run out to apply it.")


def _what(change: "Change") -> str:
    at = f"version {change.version}, {change.state}"
    match change.action:
        case "left alone":
            return f"left alone, the file does not name it ({at}{'; --prune pauses it' if change.state == 'active' else ''})"
        case "paused":
            return f"paused, the file does not name it ({at})"
        case _:
            return f"{change.action} ({at})"


def _tell_scripts(workspace: str, applied: "Applied", *, dry_run: bool) -> None:
    output.json_object(
        {
            "workspace": workspace,
            "dry_run": dry_run,
            "changed": applied.changed_anything,
            "keep_text_days": applied.keep_text_days and applied.keep_text_days[1],
            "classifiers": [asdict(change) for change in applied.changes],
        }
    )
