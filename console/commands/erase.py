"""`aftertag erase`: a user's or a workspace's records, for good."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from console import output, session
from console.options import AsJson

if TYPE_CHECKING:
    from worker.store.erasure import Erased

AFTERWARDS = (
    "Messages that still wait in Redis, and files imported or messages replayed later, would bring records back:"
    " stop their source first, and look at `aftertag queue` and `aftertag set-aside list`."
)


def register(app: typer.Typer) -> None:
    app.command()(erase)


def erase(
    workspace: Annotated[str, typer.Option("--workspace", "-w", help="The workspace's name.")],
    user: Annotated[str | None, typer.Option(help="Only this user's records.")] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    as_json: AsJson = False,
) -> None:
    """Erase what is recorded of a workspace, or of one user: generations, text, classifications, feedback, set-aside messages.

    The workspace itself, its classifiers, members and keys stay, and so do sums of what was spent. Messages that were
    set aside before anybody could read whose they are, are not found; they go after 30 days.
    """
    from worker.store import erasure, reports

    with session.engine() as engine:
        with engine.connect() as connection:
            reports.workspace_of(connection, workspace)
            found = erasure.count(connection, workspace, user=user)
        whose = f"workspace {workspace!r}" if user is None else f"user {user!r} in workspace {workspace!r}"
        if not yes:
            output.note(f"To be erased for good of {whose}: {_told(found)}.")
            typer.confirm("Go on?", abort=True, err=True)
        erased = erasure.erase(engine, workspace, user=user)
    if as_json:
        output.json_object(asdict(erased))
    else:
        output.line(f"Erased of {whose}: {_told(erased)}.")
    output.note(AFTERWARDS)


def _told(found: "Erased") -> str:
    return (
        f"generations {found.generations}, transcripts {found.transcripts}, classifications {found.classifications},"
        f" feedback {found.feedback}, set-aside messages {found.set_aside}"
    )
