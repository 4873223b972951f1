"""Generations and classifiers for the acceptance tests; what the model server shall play stands in the transcript."""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Engine

from taxonomies import definition as definitions
from taxonomies.definition import ClassifierDefinition
from worker import errors
from worker.store import classifiers, members, workspaces

WORKSPACE = "acme"
PADDING = "And so on, and so forth. " * 40
"""So that what the server shall play is still there when a second try shows half of the transcript."""


def generation(id_: str, *said: str, workspace: str = WORKSPACE, **fields: Any) -> dict[str, Any]:
    """One generation of the wire; calls about it are counted under its id, unless `said` names a play-id."""
    counted = [] if any(line.startswith("play-id") for line in said) else [f"play-id: {id_}"]
    lines = [*counted, *said, f"Please help me with {id_}.", PADDING]
    return {
        "id": id_,
        "id_given": True,
        "workspace": workspace,
        "created_at": datetime.now(UTC).isoformat(),
        "turns": [["user", "\n".join(lines), None, None], ["assistant", "Done.", None, None]],
        **fields,
    }


def definition(*dimensions: str, endpoint: str = "test", **settings: Any) -> ClassifierDefinition:
    """A classifier on the model server; by default it asks for the department and several risks."""
    asked: list[dict[str, Any]] = [
        {"name": name, "values": ["legal", "sales", "engineering"]} for name in dimensions or ("department",)
    ]
    if not dimensions:
        asked.append({"name": "risks", "several": True, "none_of_these": True, "values": ["secrets", "injection"]})
    return definitions.parse(
        {
            "taxonomy": {"dimensions": asked},
            "prompt": "Place the conversation.",
            "endpoint": endpoint,
            "model": "test-model",
            **settings,
        }
    )


def classifier(
    engine: Engine, *dimensions: str, workspace: str = WORKSPACE, name: str = "work", **settings: Any
) -> None:
    """Make an active classifier, and its workspace where that is missing, configured by the member ada."""
    with engine.begin() as connection:
        try:
            workspaces.find(connection, workspace)
        except errors.NotFoundError:
            workspaces.create(connection, workspace)
        classifiers.create(
            connection,
            workspace,
            name,
            definition(*dimensions, **settings),
            state="active",
            configured_by=members.acting(connection, workspace, "ada"),
        )
