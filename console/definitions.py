"""A classifier's definition from what a person gives: presets or a file, and settings that override them."""

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from classifier_models import endpoints as configured
from classifier_models import prices
from classifier_models.endpoints import Endpoint
from console import default_models
from console.errors import NoDefaultModelError
from taxonomies import definition as definitions
from taxonomies import documents, presets, taxonomy
from taxonomies.definition import ClassifierDefinition
from taxonomies.errors import TaxonomyError, UnknownPresetError
from taxonomies.presets import Preset
from worker import errors

PLAIN_PROMPT = "For each dimension choose what the conversation as a whole is about, judged by its subject."
_ONLY_IN_PRESETS = ("title", "description")
_TAXONOMIES = ("taxonomy", "dimensions", "preset")
_UNNAMED = "unnamed"
"""Stands for a model where the rest is looked at although none is named."""

Document = dict[str, Any]


def read_file(path: str) -> object:
    """Return the YAML or JSON document of a file, of standard input for `-`. Raise OSError, TaxonomyError."""
    source = source_of(path)
    try:
        text = sys.stdin.read() if path == "-" else Path(path).read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise TaxonomyError(["(document): is not UTF-8 text; save it as UTF-8"], source=source) from None
    return documents.read(text, source=source)


def source_of(path: str) -> str:
    """Return how messages name the file."""
    return "standard input" if path == "-" else path


def from_presets(
    names: Sequence[str], settings: Mapping[str, Any], *, endpoints: Mapping[str, Endpoint]
) -> ClassifierDefinition:
    """Return what the presets recommend, overridden by `settings`.

    Raise UnknownPresetError, TaxonomyError, InvalidRequestError or NoDefaultModelError.
    """
    found = _of_preset(presets.combined(names))
    whole = _with_endpoint({**found, **settings}, endpoints)
    if "model" in settings:
        return definitions.parse(whole, source="presets")
    return _with_default_model(whole, endpoints, source="presets", recommended=found["model"])


def from_document(
    document: object, settings: Mapping[str, Any], *, source: str, endpoints: Mapping[str, Endpoint]
) -> ClassifierDefinition:
    """Return the classifier of a document, overridden by `settings` and completed by what is configured here.

    A document is a whole definition (`taxonomy:`), a taxonomy with optional settings (`dimensions:`), or names
    presets (`preset:`). Raise TaxonomyError with a line for each problem that there is.
    """
    given = _mapping(document, source)
    problems: list[str] = []
    try:
        found = _with_taxonomy(given, source)
    except TaxonomyError as error:
        problems += error.problems
        rest = {key: value for key, value in _settings(given).items() if key not in _ONLY_IN_PRESETS}
        found = _of_preset(presets.load(presets.names()[0])) | rest  # to find what else is wrong
    whole = _with_endpoint({"prompt": PLAIN_PROMPT, **found, **settings}, endpoints)
    model_fits = "model" in settings or ("endpoint" in given and "model" in given and "endpoint" not in settings)
    unnamed: list[str] = []
    if not model_fits:
        try:
            whole["model"] = default_models.of(whole["endpoint"], endpoints, recommended=found.get("model"))
        except NoDefaultModelError as error:
            unnamed = [f"model: {error.problem}"]
            whole["model"] = _UNNAMED
    try:
        definition = definitions.parse(whole, source=source)
    except TaxonomyError as error:
        problems += error.problems
    if not any(problem.startswith("endpoint:") for problem in problems):
        problems += unnamed
    if problems:
        raise TaxonomyError(problems, source=source)
    return definition


def parts(document: object, *, source: str) -> Document:
    """Return what a document says, to put over a present definition: of presets the taxonomy and the prompt only.

    A model without the endpoint that knows it stays out. Raise TaxonomyError.
    """
    given = _mapping(document, source)
    found = _with_taxonomy(given, source)
    if "preset" in given:
        return {"taxonomy": found["taxonomy"], "prompt": found["prompt"]}
    return {key: value for key, value in found.items() if key != "model" or "endpoint" in found}


def revised(
    present: ClassifierDefinition, settings: Mapping[str, Any], *, endpoints: Mapping[str, Endpoint]
) -> ClassifierDefinition:
    """Return the definition with `settings` changed; a new endpoint brings its default model unless one is named.

    Raise TaxonomyError, InvalidRequestError or NoDefaultModelError.
    """
    whole = present.model_dump(mode="json") | dict(settings)
    if settings.get("endpoint", present.endpoint) == present.endpoint or "model" in settings:
        return definitions.parse(whole, source="classifier")
    return _with_default_model(whole, endpoints, source="classifier")


def note_on_rates(document: Mapping[str, Any]) -> str | None:
    """Return what to say of a document whose presets recommend different sampling rates and that names none itself."""
    names = document.get("preset")
    if not isinstance(names, list) or "sampling_rate" in document:
        return None
    rates = {name: presets.load(name).sampling_rate for name in names}
    if len(set(rates.values())) < 2:
        return None
    told = ", ".join(f"{name} {rate * 100:g} %" for name, rate in rates.items())
    return f"Its presets recommend different sampling rates ({told}); the highest is taken, {max(rates.values()) * 100:g} %."


def require_configured(definition: ClassifierDefinition, endpoints: Mapping[str, Endpoint]) -> None:
    """Raise InvalidRequestError, saying which variable to set, unless the endpoint is configured here."""
    name = definition.endpoint
    if name in endpoints:
        return
    known = configured.KNOWN.get(name)
    spelled = name.replace("-", "_")
    variable = known.key_variable if known else f"AFTERTAG_ENDPOINT_{spelled.upper()}_URL"
    rename = f", name it {spelled!r}" if spelled != name else ""
    raise errors.InvalidRequestError(
        f"Endpoint {name!r} is not configured here; set {variable}{rename}, or use one of: {', '.join(endpoints)}."
    )


def price_is_known(definition: ClassifierDefinition, endpoints: Mapping[str, Endpoint]) -> bool:
    """Whether a call's cost can be estimated where the endpoint does not report it; `local` costs nothing."""
    endpoint = endpoints.get(definition.endpoint)
    if endpoint is not None and endpoint.dialect == "local":
        return True
    provider = endpoint.quirks.price_provider if endpoint is not None else None
    return prices.estimate(definition.model, provider, prompt_tokens=1, completion_tokens=1) is not None


def _with_endpoint(whole: Document, endpoints: Mapping[str, Endpoint]) -> Document:
    return {"endpoint": configured.first_configured(endpoints).name, **whole}


def _with_default_model(
    whole: Document, endpoints: Mapping[str, Endpoint], *, source: str, recommended: object = None
) -> ClassifierDefinition:
    try:
        model = default_models.of(whole["endpoint"], endpoints, recommended=recommended)
    except NoDefaultModelError:
        # An endpoint that is none, or is not configured here, is told first: naming a model would not mend that.
        require_configured(definitions.parse({**whole, "model": _UNNAMED}, source=source), endpoints)
        raise
    return definitions.parse({**whole, "model": model}, source=source)


def _mapping(document: object, source: str) -> Document:
    if not isinstance(document, dict):
        raise TaxonomyError(["(document): is not a mapping; write keys and values"], source=source)
    return {str(key): value for key, value in document.items()}


def _with_taxonomy(document: Document, source: str) -> Document:
    given = [key for key in _TAXONOMIES if key in document]
    if len(given) != 1:
        found = f"has {' and '.join(given)}" if given else "has no dimensions"
        raise TaxonomyError([f"(document): {found}; write one of dimensions, taxonomy and preset"], source=source)
    if given == ["preset"]:
        return _of_preset(_combined(document["preset"], source)) | _settings(document)
    if given == ["dimensions"]:
        asked = taxonomy.parse({"dimensions": document["dimensions"]}, source=source)
        rest = {key: value for key, value in _settings(document).items() if key not in _ONLY_IN_PRESETS}
        return {"taxonomy": asked, **rest}
    return document


def _settings(document: Document) -> Document:
    return {key: value for key, value in document.items() if key not in _TAXONOMIES}


def _combined(named: object, source: str) -> Preset:
    names = [named] if isinstance(named, str) else named
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise TaxonomyError(
            ["preset: is not a name or a list of names; see `aftertag taxonomy presets`"], source=source
        )
    problems = []
    for place, name in enumerate(names):
        try:
            presets.load(name)
        except UnknownPresetError as error:
            problems.append(f"preset: {error}" if isinstance(named, str) else f"preset[{place}]: {error}")
    if problems:
        raise TaxonomyError(problems, source=source)
    return presets.combined(names)


def _of_preset(found: Preset) -> Document:
    return {
        "taxonomy": found.taxonomy,
        "prompt": found.prompt,
        "model": found.model,
        "sampling_rate": found.sampling_rate,
    }
