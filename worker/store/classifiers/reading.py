"""What is known of a workspace's classifiers: for people, for `export`, and to compare a change with."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

from sqlalchemy import Connection, text

from taxonomies import definition as definitions
from taxonomies.definition import ClassifierDefinition
from worker import errors
from worker.store import workspaces

State = Literal["draft", "active", "paused"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Classifier:
    """One classifier at its present version. `configured_by` is the member's name, None when they are gone."""

    id: UUID
    workspace: str
    name: str
    state: State
    version: int
    definition: ClassifierDefinition
    configured_by: str | None
    configured_at: datetime
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """One immutable version of a classifier, and who made it when."""

    version: int
    definition: ClassifierDefinition
    configured_by: str | None
    configured_at: datetime


def find(connection: Connection, workspace: str, name: str) -> Classifier:
    """Return one classifier at its present version. Raise NotFoundError for the workspace or the classifier."""
    found = [classifier for classifier in list_all(connection, workspace) if classifier.name == name]
    if not found:
        raise errors.NotFoundError(
            f"There is no classifier {name[:80]!r} in {workspace!r};"
            f" `aftertag classifier list --workspace {workspace}` shows all."
        )
    return found[0]


def list_all(connection: Connection, workspace: str) -> list[Classifier]:
    """Return a workspace's classifiers at their present versions, by name. Raise NotFoundError for the workspace."""
    workspaces.find(connection, workspace)
    rows = connection.execute(
        text("""
        select c.id, c.workspace, c.name, c.state, c.version, v.definition, m.name as configured_by,
               v.created_at as configured_at, c.created_at
        from classifiers c
        join classifier_versions v on v.classifier_id = c.id and v.version = c.version
        left join members m on m.id = v.configured_by
        where c.workspace = :workspace order by c.name
        """),
        {"workspace": workspace},
    ).mappings()
    return [Classifier(**{**row, "definition": parsed(row["definition"], row["name"], row["version"])}) for row in rows]


def versions(connection: Connection, workspace: str, name: str) -> list[Version]:
    """Return every version of a classifier, the newest first. Raise NotFoundError."""
    classifier = find(connection, workspace, name)
    rows = connection.execute(
        text("""
        select v.version, v.definition, m.name as configured_by, v.created_at as configured_at
        from classifier_versions v left join members m on m.id = v.configured_by
        where v.classifier_id = :id order by v.version desc
        """),
        {"id": classifier.id},
    ).mappings()
    return [Version(**{**row, "definition": parsed(row["definition"], name, row["version"])}) for row in rows]


def parsed(document: object, name: object, version: int) -> ClassifierDefinition:
    """Return a stored definition. Raise TaxonomyError when it is of a release whose settings this one does not know."""
    return definitions.parse(document, source=f"classifier {name}, version {version}")
