"""The taxonomy itself: up to 8 dimensions with their allowed values, and the limits that keep it askable.

The limits bound a schema to 8 × 101 = 808 enum values of 64 characters, inside every provider's strict mode
that we know the limits of (OpenAI: 1,000 values and 120,000 characters).
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic_core import InitErrorDetails

from taxonomies import errors, problems
from taxonomies.wording import DimensionName, NotEmpty, Prose, ValueName, problem

NONE_OF_THESE = "none_of_these"
MOST_DIMENSIONS = 8
MOST_VALUES = 100
MOST_EXAMPLES = 20
DESCRIPTION_CHARACTERS = 1_000
EXAMPLE_CHARACTERS = 500
TAXONOMY_CHARACTERS = 200_000

Description = Annotated[Prose, Field(max_length=DESCRIPTION_CHARACTERS)]
Example = Annotated[Prose, Field(min_length=1, max_length=EXAMPLE_CHARACTERS)]
Flag = Annotated[bool, Field(strict=True)]


class Configuration(BaseModel):
    """What every model of a configuration file shares: immutable, and no key it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Value(Configuration):
    """One allowed answer. In a document a bare string is a value of that name.

    `examples` are texts that belong to it, the most telling first: a prompt shows the first few.
    """

    name: ValueName
    description: Description = ""
    examples: Annotated[tuple[Example, ...], Field(max_length=MOST_EXAMPLES)] = ()

    @model_validator(mode="before")
    @classmethod
    def _from_bare_name(cls, document: object) -> object:
        return document if isinstance(document, (dict, Value)) else {"name": document}

    @model_validator(mode="after")
    def _is_not_reserved(self) -> Self:
        if self.name == NONE_OF_THESE:
            raise _problems_at(
                (("name",), f"{NONE_OF_THESE!r} is reserved; remove the value and set `none_of_these: true`")
            )
        return self


class Dimension(Configuration):
    """One question. `several`: the answer is a list of values. `none_of_these`: that answer is allowed too."""

    name: DimensionName
    description: Description = ""
    values: Annotated[tuple[Value, ...], Field(max_length=MOST_VALUES), NotEmpty]
    several: Flag = False
    none_of_these: Flag = False

    @model_validator(mode="after")
    def _offers_a_choice(self) -> Self:
        if repeated := _repeats(value.name for value in self.values):
            raise _problems_at(*((("values", index, "name"), message) for index, message in repeated))
        if len(self.values) == 1 and not (self.several or self.none_of_these):
            raise _problems_at((("values",), "has one value only; add another, or set `none_of_these: true`"))
        return self


@dataclass(frozen=True, kw_only=True, slots=True)
class Choice:
    """What an answer to one dimension may be: value name → its position, `none_of_these` last where allowed."""

    positions: Mapping[str, int]
    several: bool


class Taxonomy(Configuration):
    """The dimensions of one classifier, in the order they are asked."""

    dimensions: Annotated[tuple[Dimension, ...], Field(max_length=MOST_DIMENSIONS), NotEmpty]

    def dimension(self, name: str) -> Dimension:
        """Return the dimension of that name. Raise KeyError when there is none."""
        for dimension in self.dimensions:
            if dimension.name == name:
                return dimension
        raise KeyError(name)

    @cached_property
    def choices(self) -> Mapping[str, Choice]:
        """Dimension name → its choice. Computed once; it lives and dies with the taxonomy."""
        return {dimension.name: _choice(dimension) for dimension in self.dimensions}

    @model_validator(mode="after")
    def _is_askable(self) -> Self:
        if repeated := _repeats(dimension.name for dimension in self.dimensions):
            raise _problems_at(*((("dimensions", index, "name"), message) for index, message in repeated))
        size = sum(len(text) for text in _texts(self))
        if size > TAXONOMY_CHARACTERS:
            raise _problems_at(
                (
                    ("dimensions",),
                    f"hold {size:,} characters of text; shorten to at most {TAXONOMY_CHARACTERS:,} in all",
                )
            )
        return self


def parse(document: object, *, source: str = "taxonomy") -> Taxonomy:
    """Return the taxonomy that `document` (of YAML or JSON) describes. Raise TaxonomyError with a line per problem."""
    try:
        return Taxonomy.model_validate(document)
    except ValidationError as error:
        found = problems.lines(error)
    raise errors.TaxonomyError(found, source=source)


def _choice(dimension: Dimension) -> Choice:
    names = [value.name for value in dimension.values]
    if dimension.none_of_these:
        names.append(NONE_OF_THESE)
    return Choice(positions={name: position for position, name in enumerate(names)}, several=dimension.several)


def _texts(taxonomy: Taxonomy) -> Iterator[str]:
    for dimension in taxonomy.dimensions:
        yield dimension.description
        for value in dimension.values:
            yield value.description
            yield from value.examples


def _repeats(names: Iterable[str]) -> list[tuple[int, str]]:
    first: dict[str, int] = {}
    return [
        (index, f"{name!r} already stands at [{first[name]}]; rename or remove one")
        for index, name in enumerate(names)
        if first.setdefault(name, index) != index
    ]


def _problems_at(*found: tuple[tuple[int | str, ...], str]) -> ValidationError:
    details = [InitErrorDetails(type=problem(message), loc=location, input=None) for location, message in found]
    return ValidationError.from_exception_data("taxonomy", details)
