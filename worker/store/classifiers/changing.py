"""Changing classifiers: every change of a definition is a new version, and all changes of a workspace take turns.

Each function leaves the transaction to its caller, and must be rolled back with it when it raises.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import Connection, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.sql import bindparam

from taxonomies.definition import ClassifierDefinition
from worker import errors
from worker.store import workspaces
from worker.store.classifiers.reading import Classifier, State, find, list_all


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One change: to this definition and to this state, None for what stays. Who is not there yet is made."""

    name: str
    definition: ClassifierDefinition | None = None
    state: State | None = None


def create(
    connection: Connection,
    workspace: str,
    name: str,
    definition: ClassifierDefinition,
    *,
    state: State = "draft",
    configured_by: UUID | None,
) -> Classifier:
    """Make a classifier at version 1.

    Raise NotFoundError for the workspace, InvalidRequestError for a name that is none, ConflictError for a name or
    a dimension that is taken.
    """
    workspaces.lock(connection, workspace)
    if any(classifier.name == name for classifier in list_all(connection, workspace)):
        raise errors.ConflictError(
            f"There is a classifier {name!r} in {workspace!r} already; change it with `aftertag classifier update`."
        )
    write(connection, workspace, [Step(name=name, definition=definition, state=state)], configured_by=configured_by)
    return find(connection, workspace, name)


def update(
    connection: Connection,
    workspace: str,
    name: str,
    definition: ClassifierDefinition,
    *,
    state: State | None = None,
    configured_by: UUID | None,
) -> Classifier:
    """Give a classifier this definition: a new version, or the present one when nothing differs.

    Raise NotFoundError, or ConflictError when it stands and a dimension is asked already.
    """
    workspaces.lock(connection, workspace)
    find(connection, workspace, name)
    write(connection, workspace, [Step(name=name, definition=definition, state=state)], configured_by=configured_by)
    return find(connection, workspace, name)


def activate(connection: Connection, workspace: str, name: str) -> Classifier:
    """Let a classifier be asked. Raise NotFoundError, or ConflictError when a dimension is asked by another already."""
    workspaces.lock(connection, workspace)
    find(connection, workspace, name)
    write(connection, workspace, [Step(name=name, state="active")], configured_by=None)
    return find(connection, workspace, name)


def pause(connection: Connection, workspace: str, name: str) -> Classifier:
    """Stop a classifier; it keeps its dimensions. Raise NotFoundError, or InvalidRequestError for a draft."""
    workspaces.lock(connection, workspace)
    if find(connection, workspace, name).state == "draft":
        raise errors.InvalidRequestError(f"Classifier {name!r} is a draft and asks nothing; there is nothing to pause.")
    write(connection, workspace, [Step(name=name, state="paused")], configured_by=None)
    return find(connection, workspace, name)


def write(connection: Connection, workspace: str, steps: Sequence[Step], *, configured_by: UUID | None) -> None:
    """Take all steps, then look once whether dimensions clash: so two classifiers may exchange theirs.

    Raise NotFoundError for the workspace, InvalidRequestError for a name, ConflictError naming both who clash.
    """
    workspaces.lock(connection, workspace)
    present = {classifier.name: classifier for classifier in list_all(connection, workspace)}
    for step in steps:
        _take(connection, workspace, step, present.get(step.name), configured_by)
    _require_distinct_dimensions(connection, workspace, changed={step.name for step in steps})


def _take(
    connection: Connection, workspace: str, step: Step, present: Classifier | None, configured_by: UUID | None
) -> None:
    if present is None:
        assert step.definition is not None  # noqa: S101 - only who is there can be changed without one
        _insert(connection, workspace, step.name, step.definition, step.state or "draft", configured_by)
        return
    if step.definition is not None and step.definition.to_json() != present.definition.to_json():
        _add_version(connection, present.id, present.version + 1, step.definition, configured_by)
    if step.state is not None and step.state != present.state:
        connection.execute(
            text("update classifiers set state = :state where id = :id"), {"state": step.state, "id": present.id}
        )


def _insert(
    connection: Connection,
    workspace: str,
    name: str,
    definition: ClassifierDefinition,
    state: State,
    configured_by: UUID | None,
) -> None:
    workspaces.require_slug(name, what="classifier")
    made = connection.execute(
        text("""
        insert into classifiers (workspace, name, state, version) values (:workspace, :name, :state, 1) returning id
        """),
        {"workspace": workspace, "name": name, "state": state},
    ).scalar_one()
    _add_version(connection, made, 1, definition, configured_by)


def _add_version(
    connection: Connection, classifier: UUID, version: int, definition: ClassifierDefinition, configured_by: UUID | None
) -> None:
    connection.execute(
        text("""
        with added as (
            insert into classifier_versions (classifier_id, version, definition, dimensions, endpoint, configured_by)
            values (:id, :version, :definition, :dimensions, :endpoint, :configured_by)
            returning classifier_id, version
        )
        update classifiers set version = added.version from added where id = added.classifier_id
        """).bindparams(bindparam("definition", type_=JSONB)),
        {
            "id": classifier,
            "version": version,
            "definition": definition.model_dump(mode="json"),
            "dimensions": [dimension.name for dimension in definition.taxonomy.dimensions],
            "endpoint": definition.endpoint,
            "configured_by": configured_by,
        },
    )


def _require_distinct_dimensions(connection: Connection, workspace: str, *, changed: set[str]) -> None:
    clash = connection.execute(
        text("""
        select dimension, array_agg(c.name order by c.name) as names
        from classifiers c
        join classifier_versions v on v.classifier_id = c.id and v.version = c.version
        cross join unnest(v.dimensions) as dimension
        where c.workspace = :workspace and c.state in ('active', 'paused')
        group by dimension having count(*) > 1 order by dimension limit 1
        """),
        {"workspace": workspace},
    ).first()
    if clash is not None:
        newer, older, *_ = sorted(clash.names, key=lambda name: name not in changed)
        raise errors.ConflictError(
            f"Classifiers {newer!r} and {older!r} both ask {clash.dimension!r}, and of those that are active or paused"
            f" only one may: rename the dimension in one, or make the other a draft"
            f" (`aftertag classifier update {older} --workspace {workspace} --draft`)."
        )
