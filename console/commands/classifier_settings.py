"""A classifier's settings on the command line: the options, what they stand for, and how they are shown."""

from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

if TYPE_CHECKING:
    from taxonomies.definition import ClassifierDefinition
    from worker.store.classifiers import Classifier, Version

Endpoint = Annotated[
    str | None, typer.Option(help="Where the model is asked, by name: openrouter, openai, …; addresses are settings.")
]
Model = Annotated[str | None, typer.Option(help="The model's name at that endpoint.")]
Rate = Annotated[float | None, typer.Option(min=0, max=1, help="The share of generations to ask about, 0 to 1.")]
SampleBy = Annotated[
    Literal["generation", "session"] | None, typer.Option(help="Draw for each generation, or for whole sessions.")
]
Read = Annotated[
    Literal["conversation", "prompts"] | None, typer.Option(help="Show the model the completion too, or prompts only.")
]
FilterModel = Annotated[
    list[str] | None, typer.Option(help="Only generations by such models, e.g. 'gpt-*'; repeat for or.")
]
FilterApp = Annotated[list[str] | None, typer.Option(help="Only generations of such applications; repeat for or.")]
FilterUser = Annotated[list[str] | None, typer.Option(help="Only generations of such users; repeat for or.")]
FilterMetadata = Annotated[
    list[str] | None, typer.Option(metavar="KEY=GLOB", help="Only generations with such metadata; repeat for and.")
]
DailyBudget = Annotated[
    str | None, typer.Option(metavar="USD", help="Ask no more on a day (UTC) that has cost this much, e.g. 5 or 2.50.")
]
ContextTokens = Annotated[
    int | None, typer.Option(min=0, help="The model's context in tokens: longer transcripts lose turns in the middle.")
]
KeepTextDays = Annotated[
    int | None,
    typer.Option(
        min=0, max=3_650, help="For the whole workspace: days that text is kept; 0: not after classification."
    ),
]


def collected(
    endpoint: str | None,
    model: str | None,
    rate: float | None,
    sample_by: str | None,
    read: str | None,
    filter_model: list[str] | None,
    filter_app: list[str] | None,
    filter_user: list[str] | None,
    filter_metadata: list[str] | None,
    daily_budget_usd: str | None,
    context_tokens: int | None,
    *,
    no_filters: bool = False,
) -> dict[str, Any]:
    """Return what was given, by the names of a definition; filters as a partial mapping under `filters`."""
    filters = {"models": filter_model, "apps": filter_app, "users": filter_user}
    some: dict[str, Any] = {name: globs for name, globs in filters.items() if globs}
    if filter_metadata:
        some["metadata"] = dict(_pair(entry) for entry in filter_metadata)
    settings = {
        "endpoint": endpoint,
        "model": model,
        "sampling_rate": rate,
        "sample_by": sample_by,
        "read": read,
        "daily_budget_usd": daily_budget_usd,
        "context_tokens": context_tokens,
    }
    given: dict[str, Any] = {name: value for name, value in settings.items() if value is not None}
    if some or no_filters:
        given["filters"] = {"models": [], "apps": [], "users": [], "metadata": {}} | some if no_filters else some
    return given


def over(present: "ClassifierDefinition", given: dict[str, Any]) -> dict[str, Any]:
    """Return the given settings completed by what stays: filters that were not named; 0 removes a limit."""
    completed = dict(given)
    if "filters" in given:
        completed["filters"] = present.filters.model_dump(mode="json") | given["filters"]
    if "daily_budget_usd" in given and _is_nothing(given["daily_budget_usd"]):
        completed["daily_budget_usd"] = None
    if given.get("context_tokens") == 0:
        completed["context_tokens"] = None
    return completed


def document(classifier: "Classifier") -> dict[str, Any]:
    """Return a classifier for scripts, without its taxonomy's texts."""
    about = ("name", "workspace", "state", "version", "configured_by", "configured_at", "created_at")
    return {name: getattr(classifier, name) for name in about} | _settings_of(classifier.definition)


def version_document(version: "Version") -> dict[str, Any]:
    """Return one version for scripts, without its taxonomy's texts."""
    about = ("version", "configured_by", "configured_at")
    return {name: getattr(version, name) for name in about} | _settings_of(version.definition)


def row(classifier: "Classifier") -> tuple[object, ...]:
    """Return a classifier as the cells of `classifier list`."""
    found = classifier.definition
    return (
        classifier.name,
        classifier.state,
        classifier.version,
        found.endpoint,
        found.model,
        percent(found.sampling_rate),
        asked(found),
        found.daily_budget_usd,
        classifier.configured_by,
    )


def sentence(classifier: "Classifier") -> str:
    """Return what a classifier is, in half a line."""
    found = classifier.definition
    return (
        f"version {classifier.version}, {classifier.state}; asks {asked(found)} about"
        f" {percent(found.sampling_rate)} of generations, {found.model!r} at endpoint {found.endpoint!r}"
    )


def asked(definition: "ClassifierDefinition") -> str:
    """Return the names of the dimensions."""
    return ", ".join(dimension.name for dimension in definition.taxonomy.dimensions)


def percent(rate: float) -> str:
    """Return 0.125 as `12.5 %`."""
    return f"{rate * 100:.6g} %"


def _settings_of(definition: "ClassifierDefinition") -> dict[str, Any]:
    settings = definition.model_dump(mode="json", exclude={"taxonomy", "prompt"})
    settings["daily_budget_usd"] = definition.daily_budget_usd  # a number for scripts, exact text in `export`
    return settings | {"dimensions": [dimension.name for dimension in definition.taxonomy.dimensions]}


def _is_nothing(amount: str) -> bool:
    try:
        return Decimal(amount) == 0
    except InvalidOperation:
        return False  # whoever checks the definition says what is wrong with it


def _pair(entry: str) -> tuple[str, str]:
    key, separator, glob = entry.partition("=")
    if not (key and separator and glob):
        raise typer.BadParameter(f"{entry!r} is not KEY=GLOB", param_hint="--filter-metadata")
    return key, glob
