"""Classifier versions as this process needs them for asking: immutable, so each is read and prepared once."""

from dataclasses import dataclass, field
from functools import lru_cache
from uuid import UUID

from sqlalchemy import Connection

from classifier_models.question import Prepared, prepare
from taxonomies.definition import ClassifierDefinition
from worker.store import classifiers
from worker.transcript import CHARACTERS_PER_TOKEN

VERSIONS_KEPT = 256
DEFAULT_CONTEXT_TOKENS = 100_000
OUTPUT_TOKENS = 1_000
LARGER_OUTPUT_TOKENS = 4_000
LEAST_CHARACTERS = 2_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """One version with what every call of it shares; `characters` is what its model's context leaves for a transcript."""

    definition: ClassifierDefinition = field(repr=False)
    prepared: Prepared = field(repr=False)
    characters: int
    cache_key: str


class Versions:
    """Reads versions from the store, and keeps the last 256. Thread-safe enough: reading one twice is harmless."""

    def __init__(self) -> None:
        self._prepared = lru_cache(maxsize=VERSIONS_KEPT)(_prepare)

    def get(self, connection: Connection, classifier_id: UUID, version: int) -> Version:
        """Return that version; raise NotFoundError when it was erased."""
        definition = classifiers.definition(connection, classifier_id, version)
        return self._prepared(classifier_id, version, _Unhashed(definition))


class _Unhashed:
    """Carries a definition past the cache's key: (id, version) alone names it."""

    def __init__(self, definition: ClassifierDefinition) -> None:
        self.definition = definition

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Unhashed)

    def __hash__(self) -> int:
        return 0


def _prepare(classifier_id: UUID, version: int, carried: _Unhashed) -> Version:
    definition = carried.definition
    prepared = prepare(definition.taxonomy, definition.prompt)
    context = (definition.context_tokens or DEFAULT_CONTEXT_TOKENS) - LARGER_OUTPUT_TOKENS
    characters = context * CHARACTERS_PER_TOKEN - len(prepared.system_prompt)
    return Version(
        definition=definition,
        prepared=prepared,
        characters=max(characters, LEAST_CHARACTERS),
        cache_key=f"aftertag-{classifier_id}-{version}",
    )
