"""A workspace's classifiers as one reviewable document: read it, compare it, apply it, write it down again."""

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, get_args

from classifier_models.endpoints import Endpoint
from console import definitions
from taxonomies import documents
from taxonomies.definition import ClassifierDefinition
from taxonomies.errors import TaxonomyError
from worker import errors
from worker.store import classifiers, members, workspaces
from worker.store.classifiers import Classifier, State, Step

if TYPE_CHECKING:
    from worker.store.connecting import Connection

_KEYS = ("workspace", "keep_text_days", "classifiers")
_HEADER = "# The classifiers of one workspace: change this file, then run `aftertag apply -f FILE`.\n"

Action = Literal["created", "changed", "unchanged", "paused", "left alone"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What a document asks for; None is what it leaves open. `notes` is what its author may not expect."""

    workspace: str | None
    keep_text_days: int | None
    steps: tuple[Step, ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What became, or would become, of one classifier; `diff` is a unified diff of its document."""

    classifier: str
    action: Action
    version: int
    state: State
    diff: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Applied:
    """All changes, and the workspace's setting when it changed: (before, after), in days."""

    changes: tuple[Change, ...]
    keep_text_days: tuple[int, int] | None = field(default=None)

    @property
    def changed_anything(self) -> bool:
        idle = ("unchanged", "left alone")
        return self.keep_text_days is not None or any(change.action not in idle for change in self.changes)


def read(document: object, *, source: str, endpoints: Mapping[str, Endpoint]) -> Wanted:
    """Return what the document asks for. Raise TaxonomyError with a line per problem."""
    if not isinstance(document, dict) or not isinstance(document.get("classifiers"), dict):
        raise TaxonomyError(["classifiers: is missing; write `classifiers:` with a name per classifier"], source=source)
    problems = [f"{key}: is not a key known here; use {', '.join(_KEYS)}" for key in document if key not in _KEYS]
    workspace, days = document.get("workspace"), document.get("keep_text_days")
    if workspace is not None and not isinstance(workspace, str):
        problems.append("workspace: is not text; quote it")
    if days is not None and (isinstance(days, bool) or not isinstance(days, int)):
        problems.append("keep_text_days: is not a whole number; write days")
    steps = []
    for name, settings in document["classifiers"].items():
        try:
            steps.append(_step(str(name), settings, source=f"classifiers.{name}", endpoints=endpoints))
        except TaxonomyError as error:
            problems += [f"classifiers.{name}.{problem}" for problem in error.problems]
    if problems:
        raise TaxonomyError(problems, source=source)
    told = {name: definitions.note_on_rates(settings) for name, settings in document["classifiers"].items()}
    notes = tuple(f"{name}: {note} `sampling_rate:` sets another." for name, note in told.items() if note)
    return Wanted(workspace=workspace, keep_text_days=days, steps=tuple(steps), notes=notes)


def export(connection: "Connection", workspace: str) -> str:
    """Return the workspace's document as YAML, which `apply` takes back without a change. Raise NotFoundError."""
    found = workspaces.find(connection, workspace)
    document = {
        "workspace": found.name,
        "keep_text_days": found.keep_text_days,
        "classifiers": {
            classifier.name: _document(classifier.state, classifier.definition)
            for classifier in classifiers.list_all(connection, workspace)
        },
    }
    return _HEADER + documents.write(document)


def apply(
    connection: "Connection",
    workspace: str,
    wanted: Wanted,
    *,
    prune: bool,
    actor: str,
    endpoints: Mapping[str, Endpoint],
) -> Applied:
    """Make the workspace's classifiers as `wanted` in the caller's transaction, and say what that changed.

    Raise InvalidRequestError for an endpoint that is not configured here, ConflictError for clashing dimensions.
    """
    try:
        workspaces.lock(connection, workspace)
    except errors.NotFoundError:
        workspaces.create(connection, workspace)
    present = {classifier.name: classifier for classifier in classifiers.list_all(connection, workspace)}
    changes = [_change(step, present.get(step.name)) for step in wanted.steps]
    taken = [step for step, change in zip(wanted.steps, changes, strict=True) if change.action != "unchanged"]
    for step in taken:
        assert step.definition is not None  # noqa: S101 - every classifier of a file has one
        definitions.require_configured(step.definition, endpoints)
    named = {step.name for step in wanted.steps}
    others = [classifier for name, classifier in present.items() if name not in named]
    changes += [_unnamed(classifier, prune=prune) for classifier in others]
    taken += [Step(name=change.classifier, state="paused") for change in changes if change.action == "paused"]
    if taken:
        who = members.acting(connection, workspace, actor)
        classifiers.write(connection, workspace, taken, configured_by=who)
    return Applied(changes=tuple(changes), keep_text_days=_keep_text(connection, workspace, wanted.keep_text_days))


def _step(name: str, settings: object, *, source: str, endpoints: Mapping[str, Endpoint]) -> Step:
    if not isinstance(settings, dict):
        raise TaxonomyError(["(document): is not a mapping; write keys and values"], source=source)
    problems: list[str] = []
    state = settings.get("state")
    if state is not None and state not in get_args(State):
        problems.append(f"state: is none; write one of {', '.join(get_args(State))}")
    try:
        workspaces.require_slug(name, what="classifier")
    except errors.InvalidRequestError as error:
        problems.append(f"(name): {error}")
    rest = {key: value for key, value in settings.items() if key != "state"}
    try:
        definition = definitions.from_document(rest, {}, source=source, endpoints=endpoints)
    except TaxonomyError as error:
        problems += error.problems
    if problems:
        raise TaxonomyError(problems, source=source)
    return Step(name=name, state=state, definition=definition)


def _change(step: Step, present: Classifier | None) -> Change:
    assert step.definition is not None  # noqa: S101 - every classifier of a file has one
    if present is None:
        state = step.state or "draft"
        diff = _diff(step.name, (0, ""), (1, documents.write(_document(state, step.definition))))
        return Change(classifier=step.name, action="created", version=1, state=state, diff=diff)
    state = step.state or present.state
    is_new = step.definition.to_json() != present.definition.to_json()
    version = present.version + is_new
    before = documents.write(_document(present.state, present.definition))
    diff = _diff(step.name, (present.version, before), (version, documents.write(_document(state, step.definition))))
    action: Action = "changed" if is_new or state != present.state else "unchanged"
    return Change(classifier=step.name, action=action, version=version, state=state, diff=diff)


def _unnamed(present: Classifier, *, prune: bool) -> Change:
    paused = prune and present.state == "active"
    return Change(
        classifier=present.name,
        action="paused" if paused else "left alone",
        version=present.version,
        state="paused" if paused else present.state,
    )


def _keep_text(connection: "Connection", workspace: str, days: int | None) -> tuple[int, int] | None:
    before = workspaces.find(connection, workspace).keep_text_days
    if days is None or days == before:
        return None
    workspaces.update(connection, workspace, keep_text_days=days)
    return before, days


def _document(state: State, definition: ClassifierDefinition) -> dict[str, Any]:
    return {"state": state, **definition.to_document()}


def _diff(name: str, before: tuple[int, str], after: tuple[int, str]) -> str:
    titles = [f"{name}, version {version}" if version else f"{name}, not there" for version, _ in (before, after)]
    former, latter = titles
    lines = difflib.unified_diff(before[1].splitlines(), after[1].splitlines(), former, latter, lineterm="")
    return "\n".join(lines)
