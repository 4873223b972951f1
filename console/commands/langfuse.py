"""`aftertag langfuse`: tags back to Langfuse, as scores."""

import os
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from console import options, output, reading, session

if TYPE_CHECKING:
    from console.langfuse.pushing import Pushed

REJECTED_SHOWN = 20


def register(app: typer.Typer) -> None:
    """Add the group to the application."""
    group = typer.Typer(no_args_is_help=True)
    group.callback()(_group)
    group.command("push")(push)
    app.add_typer(group, name="langfuse", help="Langfuse: tags go back to it as categorical scores.")


def _group() -> None:
    """Tags go back to Langfuse as categorical scores."""


def push(
    workspace: reading.Workspace = None,
    since: Annotated[
        str | None,
        typer.Option(
            "--since",
            metavar="TIME",
            help="How far back: 24h, 7d, 4w, or a date; unset: all that is recorded.",
            show_default=False,
        ),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only count what would be sent.")] = False,
    as_json: options.AsJson = False,
) -> None:
    """Send tags to Langfuse: a categorical score for each value, named by its dimension.

    It concerns generations whose trace is known: those imported from
    Langfuse, and those that came in at /v1/traces, which should then send
    their spans to that project, too. A score stands with the observation,
    or where only the trace is known, with the trace.

    What was sent is remembered: run it as often as you like. A tag that has
    changed since changes its score, one that is gone takes its score away.

    \b
    LANGFUSE_HOST        where Langfuse is (or LANGFUSE_BASE_URL);
                         unset: https://cloud.langfuse.com
    LANGFUSE_PUBLIC_KEY  the project's pair of keys
    LANGFUSE_SECRET_KEY

    Example: aftertag langfuse push --workspace acme --since 7d
    """
    from console.langfuse import settings
    from console.langfuse.client import Langfuse
    from console.langfuse.pushing import push as push_all
    from worker.store import reports

    found = settings.from_environment(os.environ)
    start = reading.start(since) if since is not None else None
    with session.engine() as engine, Langfuse(found) as langfuse:
        with engine.connect() as connection:
            name = reports.workspace_of(connection, workspace)
        pushed = push_all(engine, None if dry_run else langfuse, workspace=name, project=found.project, since=start)
    for one in pushed.rejected[:REJECTED_SHOWN]:
        output.problem(f"{one.score.generation_id}, {one.score.body['name']}: Langfuse rejects it: {one.reason}")
    if as_json:
        output.json_object(_as_json(name, pushed))
    else:
        output.line(_summary(pushed, dry_run=dry_run))
    sys.exit(1 if pushed.rejected else 0)


def _summary(pushed: "Pushed", *, dry_run: bool) -> str:
    would = "Would send" if dry_run else "Sent"
    rejected = f", {len(pushed.rejected)} rejected" if pushed.rejected else ""
    return f"{would} {pushed.scores} scores of {pushed.generations} generations, deleted {pushed.deleted}{rejected}."


def _as_json(workspace: str, pushed: "Pushed") -> dict[str, object]:
    return {
        "workspace": workspace,
        "generations": pushed.generations,
        "scores": pushed.scores,
        "deleted": pushed.deleted,
        "rejected": [
            {"generation": one.score.generation_id, "dimension": one.score.body["name"], "reason": one.reason}
            for one in pushed.rejected
        ],
    }
