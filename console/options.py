"""Options that several commands share, each with its help text, and who works on the command line."""

from typing import Annotated

import typer

from console.actor import operating_system_user

Workspace = Annotated[str, typer.Option("--workspace", "-w", help="The workspace's name.")]
AsJson = Annotated[bool, typer.Option("--json", help="Write one JSON document instead of text.")]


Actor = Annotated[
    str,
    typer.Option(
        "--as",
        metavar="NAME",
        show_default="you",
        help="Who does this: a member of the workspace, made one on first use; calls are billed to them.",
    ),
]

Doer = Annotated[
    str,
    typer.Option(
        "--as",
        metavar="NAME",
        show_default="you",
        help="Who does this: a member of the workspace, made one on first use. Who pays for calls stays as it is.",
    ),
]


def who(actor: str) -> str:
    """Return whom `--as` names, by default the operating system's user."""
    return actor or operating_system_user()
