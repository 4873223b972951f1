"""Everything one version of a classifier is: what the database stores and what `apply` and `export` exchange."""

import json
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, ValidationError, field_serializer, field_validator

from taxonomies import errors, problems
from taxonomies.taxonomy import Configuration, Taxonomy
from taxonomies.wording import Prose, problem, quoted

PROMPT_CHARACTERS = 20_000
MODEL_CHARACTERS = 200
MOST_GLOBS = 50
GLOB_CHARACTERS = 200


def _check_model(name: str) -> str:
    if not name.isprintable() or any(character.isspace() for character in name):
        raise problem(
            f"{quoted(name)} holds blanks or unprintable characters; write the model's name as its endpoint does"
        )
    return name


def _check_endpoint(name: str) -> str:
    if "/" in name or ":" in name:
        raise problem(
            f"{quoted(name)} is no endpoint's name; addresses are the operator's, name one of the configured endpoints"
        )
    return name


Prompt = Annotated[Prose, Field(max_length=PROMPT_CHARACTERS)]
Model = Annotated[str, Field(min_length=1, max_length=MODEL_CHARACTERS), AfterValidator(_check_model)]
Rate = Annotated[float, Field(strict=True, ge=0, le=1, allow_inf_nan=False)]
Endpoint = Annotated[str, AfterValidator(_check_endpoint), Field(pattern=r"^[a-z0-9_-]{1,32}$")]
Glob = Annotated[Prose, Field(min_length=1, max_length=GLOB_CHARACTERS)]
Globs = Annotated[tuple[Glob, ...], Field(max_length=MOST_GLOBS)]


class Filters(Configuration):
    """Shell-style globs over a generation's attribution. An empty list filters nothing; any glob of a list may match;
    all lists and all metadata keys must."""

    models: Globs = ()
    apps: Globs = ()
    users: Globs = ()
    metadata: Annotated[dict[Glob, Glob], Field(max_length=MOST_GLOBS)] = Field(default_factory=dict)


class ClassifierDefinition(Configuration):
    """One immutable version. `sampling_rate` is 0 to 1; `context_tokens` is the model's context where it is known."""

    taxonomy: Taxonomy
    prompt: Prompt
    endpoint: Endpoint
    model: Model
    sampling_rate: Rate = 1.0
    sample_by: Literal["generation", "session"] = "generation"
    read: Literal["conversation", "prompts"] = "conversation"
    filters: Filters = Filters()
    daily_budget_usd: Annotated[Decimal, Field(gt=0, le=1_000_000, decimal_places=6)] | None = None
    context_tokens: Annotated[int, Field(strict=True, ge=1_000, le=100_000_000)] | None = None

    @field_validator("daily_budget_usd", mode="before")
    @classmethod
    def _refuse_truth(cls, budget: object) -> object:
        if isinstance(budget, bool):
            raise problem(f"{budget!r} is not a number; write an amount in US dollars, or leave it out")
        return budget

    @field_serializer("daily_budget_usd")
    def _plain_number(self, budget: Decimal | None) -> str | None:
        # 5, 5.0 and 5.00 are one budget and must be one document, or `apply` would make a version of nothing.
        return None if budget is None else f"{budget.normalize():f}"

    def to_document(self) -> dict[str, Any]:
        """Return the plain document for YAML: all settings, of the taxonomy only what is not the default."""
        whole = self.model_dump(mode="json")
        return {**whole, "taxonomy": self.taxonomy.model_dump(mode="json", exclude_defaults=True)}

    def to_json(self) -> str:
        """Return the stable JSON form: equal definitions give equal text, whatever file or column they came from."""
        return json.dumps(self.model_dump(mode="json"), ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def parse(document: object, *, source: str = "classifier") -> ClassifierDefinition:
    """Return the definition that `document` describes. Raise TaxonomyError with a line per problem."""
    try:
        return ClassifierDefinition.model_validate(document)
    except ValidationError as error:
        found = problems.lines(error)
    raise errors.TaxonomyError(found, source=source)
