"""Classifier versions as this process needs them for asking: immutable, so each is read and prepared once."""

from dataclasses import dataclass, field
from uuid import UUID

from classifier_models.question import Prepared, prepare
from taxonomies.definition import ClassifierDefinition
from worker.store import classifiers, installation
from worker.store.connecting import Connection
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
    """Reads versions from the store and keeps up to 256. Thread-safe enough: preparing one twice is harmless."""

    def __init__(self) -> None:
        self._known: dict[tuple[UUID, int], Version] = {}

    def get(self, connection: Connection, classifier_id: UUID, version: int) -> Version:
        """Return that version. Raise NotFoundError when it was erased, TaxonomyError when this release cannot read it."""
        key = (classifier_id, version)
        found = self._known.get(key)
        if found is None:
            definition = classifiers.definition(connection, classifier_id, version)
            found = _prepare(key, definition, mark=installation.own_call_mark(connection))
            if len(self._known) >= VERSIONS_KEPT:
                self._known = {}  # preparing them again costs a millisecond each
            self._known[key] = found
        return found


def _prepare(key: tuple[UUID, int], definition: ClassifierDefinition, *, mark: str) -> Version:
    prepared = prepare(definition.taxonomy, definition.prompt, mark=mark)
    context = (definition.context_tokens or DEFAULT_CONTEXT_TOKENS) - LARGER_OUTPUT_TOKENS
    characters = context * CHARACTERS_PER_TOKEN - len(prepared.system_prompt)
    return Version(
        definition=definition,
        prepared=prepared,
        characters=max(characters, LEAST_CHARACTERS),
        cache_key="aftertag-{}-{}".format(*key),
    )
