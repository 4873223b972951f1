"""What is asked: the part that every call of a classifier version shares, and the part that one call adds."""

from dataclasses import dataclass, field
from typing import Any

from classifier_models import marker
from taxonomies import prompt, schema
from taxonomies.taxonomy import Taxonomy


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Prepared:
    """The part of a question that is identical for every call of a classifier version.

    Build it once per version with `prepare` and keep it: serialized requests are cached by its identity.
    """

    mark: str = field(repr=False)
    taxonomy: Taxonomy = field(repr=False)
    instructions: str = field(repr=False)
    system_prompt: str = field(repr=False)
    schema: dict[str, Any] = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Question:
    """One call to be made: a prepared taxonomy, the model's name, and one transcript."""

    prepared: Prepared
    model: str
    transcript: str = field(repr=False)
    max_output_tokens: int = 1000
    prompt_cache_key: str | None = None

    @property
    def taxonomy(self) -> Taxonomy:
        return self.prepared.taxonomy


def prepare(taxonomy: Taxonomy, instructions: str, *, mark: str) -> Prepared:
    """Return the system prompt and the strict schema of a taxonomy.

    `mark` is the installation's, by which its own calls are recognised; the first line of the prompt has it.
    """
    return Prepared(
        mark=mark,
        taxonomy=taxonomy,
        instructions=instructions,
        system_prompt=f"{marker.line(mark)}\n{prompt.to_system_prompt(taxonomy, instructions)}",
        schema=schema.to_json_schema(taxonomy),
    )
