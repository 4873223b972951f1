"""`aftertag import`: bring in files of generations."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from console import output, session

BAD_LINES_SHOWN = 20


def register(app: typer.Typer) -> None:
    app.command("import")(import_)


def import_(
    files: Annotated[list[Path], typer.Argument(help="JSON Lines files.", exists=True, dir_okay=False, readable=True)],
    workspace: Annotated[
        str | None,
        typer.Option(
            "--workspace", "-w", help="Where they go; unset: each line's own `workspace`.", show_default=False
        ),
    ] = None,
    classify: Annotated[
        bool, typer.Option("--classify/--no-classify", help="Whether the workspace's classifiers are asked about them.")
    ] = True,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say what would go in and what it would cost.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object instead.")] = False,
) -> None:
    """Bring in generations from JSON Lines files; classifiers are asked about them as room comes.

    A line is a generation with the arguments of `api_hooks.enqueue` as keys, or a plain {"messages": […]}. A missing
    id is derived from the line's content and from how many equal lines precede it in all the files, a missing time from
    the file's. So an import that was cut off is simply run again, with the same files: what is in stays, the rest goes
    in. A bad line is reported with its number and reason, and the rest goes in; the exit code is then 1. What
    classifying would cost is said before anything is written.

    Example: aftertag import conversations.jsonl --workspace acme
    """
    from worker import importing

    with session.engine() as engine:
        found = importing.survey(engine, files, workspace=workspace, classify=classify)
        _tell(found)
        imported = importing.Imported()
        if not dry_run:
            from rich.console import Console
            from rich.progress import Progress

            with Progress(console=Console(stderr=True), disable=as_json) as bar:
                task = bar.add_task("Importing", total=found.lines - len(found.bad))
                imported = importing.bring_in(
                    engine,
                    files,
                    found,
                    workspace=workspace,
                    classify=classify,
                    advanced=lambda done: bar.update(task, completed=done),
                )
    for refused in imported.refused[:BAD_LINES_SHOWN]:
        output.problem(f"{refused.file}, line {refused.number}: {refused.reason}")
    bad = [*found.bad, *imported.refused]
    if as_json:
        output.json_object(
            {
                "lines": found.lines,
                "bad": [{"file": one.file, "line": one.number, "reason": one.reason} for one in bad],
                "recorded": imported.new,
                "known": imported.known,
                "classifications": found.asked.total(),
                "estimated_cost_usd": None if found.unpriced else found.cost_usd,
            }
        )
    elif not dry_run:
        output.line(f"{imported.new} recorded, {imported.known} known already, {len(bad)} bad, of {found.lines} lines.")
    sys.exit(1 if bad else 0)


def _tell(found: object) -> None:
    """Say which lines are bad and what classifying costs, before anything is written."""
    from worker.importing import Survey

    assert isinstance(found, Survey)  # noqa: S101 - typed loosely so that `--help` need not load the store
    for bad in found.bad[:BAD_LINES_SHOWN]:
        output.problem(f"{bad.file}, line {bad.number}: {bad.reason}")
    if len(found.bad) > BAD_LINES_SHOWN:
        output.problem(f"… and {len(found.bad) - BAD_LINES_SHOWN} more bad lines; --json has them all.")
    for model, count in sorted(found.asked.items()):
        output.note(f"Classifying: {count} classifications by {model}.")
    if found.asked:
        known = f"about {found.cost_usd:.4f} USD at 4 characters a token"
        unknown = f"; the price of {found.unpriced} of them is unknown" if found.unpriced else ""
        output.note(f"Estimated cost: {known}{unknown}.")
