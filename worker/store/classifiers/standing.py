"""Which classifiers stand in a workspace, for the line: a narrow query, and definitions from a cache of the process."""

from collections import OrderedDict
from collections.abc import Iterable, Mapping
from threading import Lock
from uuid import UUID

import structlog
from sqlalchemy import Connection, text

from taxonomies.definition import ClassifierDefinition
from taxonomies.errors import TaxonomyError
from worker import errors
from worker.sampling import Standing
from worker.store.classifiers.reading import parsed

MOST_CACHED = 512

Key = tuple[UUID, int]
"""(classifier id, version): what it means never changes."""

log = structlog.get_logger()


def standings(connection: Connection, workspaces: Iterable[str]) -> dict[str, list[Standing]]:
    """Return the active and paused classifiers of each workspace, by name; an empty list where there are none.

    Who is defined in a way that this release cannot read stands paused.
    """
    found: dict[str, list[Standing]] = {workspace: [] for workspace in workspaces}
    rows = connection.execute(
        text("""
        select c.workspace, c.id, c.version, c.state, v.endpoint, v.configured_by
        from classifiers c
        join classifier_versions v on v.classifier_id = c.id and v.version = c.version
        where c.workspace = any(:workspaces) and c.state in ('active', 'paused')
        order by c.workspace, c.name
        """),
        {"workspaces": list(found)},
    ).all()
    definitions = _definitions(connection, [(row.id, row.version) for row in rows])
    for row in rows:
        found[row.workspace].append(
            Standing(
                classifier_id=row.id,
                version=row.version,
                paused=row.state == "paused" or definitions[row.id, row.version] is None,
                endpoint=row.endpoint,
                definition=definitions[row.id, row.version],
                billed_to=row.configured_by,
            )
        )
    return found


def definition(connection: Connection, classifier_id: UUID, version: int) -> ClassifierDefinition:
    """Return one version's definition. Raise NotFoundError, or TaxonomyError when this release cannot read it."""
    key = (classifier_id, version)
    found = _definitions(connection, [key])
    if key not in found:
        raise errors.NotFoundError(f"There is no version {version} of a classifier with the id {str(classifier_id)!r}.")
    readable = found[key]
    if readable is None:
        source = f"classifier {classifier_id}, version {version}"
        raise TaxonomyError(["is defined for another release; update the classifier"], source=source)
    return readable


def _definitions(connection: Connection, keys: list[Key]) -> dict[Key, ClassifierDefinition | None]:
    found = _cache.get(keys)
    if wanted := [key for key in keys if key not in found]:
        loaded = _load(connection, wanted)
        _cache.put(loaded)
        found |= loaded
    return found


def _load(connection: Connection, keys: list[Key]) -> dict[Key, ClassifierDefinition | None]:
    rows = connection.execute(
        text("""
        select classifier_id, version, definition from classifier_versions
        join unnest(cast(:ids as uuid[]), cast(:versions as int[])) as wanted(id, number)
          on classifier_id = id and version = number
        """),
        {"ids": [id_ for id_, _ in keys], "versions": [version for _, version in keys]},
    )
    return {(id_, version): _readable(document, id_, version) for id_, version, document in rows}


def _readable(document: object, classifier_id: UUID, version: int) -> ClassifierDefinition | None:
    try:
        return parsed(document, classifier_id, version)
    except TaxonomyError:
        log.error("a classifier of another release is not asked", classifier_id=str(classifier_id), version=version)
        return None


class _Cache:
    """The definitions used last, at most `MOST_CACHED` of them, for all threads of the process."""

    def __init__(self) -> None:
        self._known: OrderedDict[Key, ClassifierDefinition | None] = OrderedDict()
        self._lock = Lock()

    def get(self, keys: Iterable[Key]) -> dict[Key, ClassifierDefinition | None]:
        with self._lock:
            found = {key: self._known[key] for key in keys if key in self._known}
            for key in found:
                self._known.move_to_end(key)
            return found

    def put(self, found: Mapping[Key, ClassifierDefinition | None]) -> None:
        with self._lock:
            self._known.update(found)
            while len(self._known) > MOST_CACHED:
                self._known.popitem(last=False)


_cache = _Cache()
