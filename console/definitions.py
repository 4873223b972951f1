"""A classifier's definition from what a person gives: presets or a file, and settings that override them."""

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from classifier_models import endpoints as configured
from classifier_models import local, prices
from classifier_models.endpoints import Endpoint
from taxonomies import definition as definitions
from taxonomies import documents, presets, taxonomy
from taxonomies.definition import ClassifierDefinition
from taxonomies.errors import TaxonomyError
from worker import errors

MODEL_OF_PROVIDER = {
    "openai": "gpt-5.4-mini",
    "anthropic": "claude-haiku-5-5",
    "google": "gemini-3.5-flash-lite",
}
"""What to ask where the preset's model, which has OpenRouter's name, is not known by that name."""

PLAIN_MODEL = "google/gemini-3.5-flash-lite"
PLAIN_PROMPT = "For each dimension choose what the conversation as a whole is about, judged by its subject."
_ONLY_IN_PRESETS = ("title", "description")

Document = dict[str, Any]


def read_file(path: str) -> object:
    """Return the YAML or JSON document of a file, of standard input for `-`. Raise OSError, TaxonomyError."""
    text = sys.stdin.read() if path == "-" else Path(path).read_text(encoding="utf-8")
    return documents.read(text, source=source_of(path))


def source_of(path: str) -> str:
    """Return how messages name the file."""
    return "standard input" if path == "-" else path


def from_presets(
    names: Sequence[str], settings: Mapping[str, Any], *, endpoints: Mapping[str, Endpoint]
) -> ClassifierDefinition:
    """Return what the presets recommend, overridden by `settings`. Raise UnknownPresetError, TaxonomyError."""
    return from_document({"preset": list(names)}, settings, source="presets", endpoints=endpoints)


def from_document(
    document: object, settings: Mapping[str, Any], *, source: str, endpoints: Mapping[str, Endpoint]
) -> ClassifierDefinition:
    """Return the classifier of a document, overridden by `settings` and completed by what is configured here.

    A document is a whole definition (`taxonomy:`), a taxonomy with optional settings (`dimensions:`), or names
    presets (`preset:`). Raise UnknownPresetError, or TaxonomyError with a line per problem.
    """
    found = _with_taxonomy(_mapping(document, source), source)
    whole = {"prompt": PLAIN_PROMPT, **found, **settings}
    endpoint = whole.setdefault("endpoint", configured.first_configured(endpoints).name)
    model_fits = "model" in settings or ("endpoint" in found and "model" in found and "endpoint" not in settings)
    if not model_fits:
        whole["model"] = recommended_model(endpoints.get(str(endpoint)), found.get("model"))
    return definitions.parse(whole, source=source)


def parts(document: object, *, source: str) -> Document:
    """Return what a document says, to put over a present definition: of presets the taxonomy and the prompt only.

    A model without the endpoint that knows it stays out. Raise UnknownPresetError, TaxonomyError.
    """
    given = _mapping(document, source)
    found = _with_taxonomy(given, source)
    if "preset" in given:
        return {"taxonomy": found["taxonomy"], "prompt": found["prompt"]}
    return {key: value for key, value in found.items() if key != "model" or "endpoint" in found}


def revised(
    present: ClassifierDefinition, settings: Mapping[str, Any], *, endpoints: Mapping[str, Endpoint]
) -> ClassifierDefinition:
    """Return the definition with `settings` changed; a new endpoint brings its model unless one is named."""
    whole = present.model_dump(mode="json") | dict(settings)
    if settings.get("endpoint", present.endpoint) != present.endpoint and "model" not in settings:
        former = None if present.model == local.MODEL else present.model
        whole["model"] = recommended_model(endpoints.get(settings["endpoint"]), former)
    return definitions.parse(whole, source="classifier")


def recommended_model(endpoint: Endpoint | None, preferred: object) -> object:
    """Return the model to ask at an endpoint when nobody names one; `preferred` is a preset's."""
    if endpoint is not None and endpoint.dialect == "local":
        return local.MODEL
    provider = endpoint.quirks.price_provider if endpoint is not None else None
    return MODEL_OF_PROVIDER.get(provider or "") or preferred or PLAIN_MODEL


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


def _mapping(document: object, source: str) -> Document:
    if not isinstance(document, dict):
        raise TaxonomyError(["(document): is not a mapping; write keys and values"], source=source)
    return {str(key): value for key, value in document.items()}


def _with_taxonomy(document: Document, source: str) -> Document:
    given = [key for key in ("taxonomy", "dimensions", "preset") if key in document]
    if len(given) != 1:
        found = f"has {' and '.join(given)}" if given else "has no dimensions"
        raise TaxonomyError([f"(document): {found}; write one of dimensions, taxonomy and preset"], source=source)
    if given == ["preset"]:
        return _from_preset(document, source)
    if given == ["dimensions"]:
        asked = taxonomy.parse({"dimensions": document["dimensions"]}, source=source)
        rest = {key: value for key, value in document.items() if key not in ("dimensions", *_ONLY_IN_PRESETS)}
        return {"taxonomy": asked, **rest}
    return document


def _from_preset(document: Document, source: str) -> Document:
    names = document["preset"]
    names = [names] if isinstance(names, str) else names
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise TaxonomyError(
            ["preset: is not a name or a list of names; see `aftertag taxonomy presets`"], source=source
        )
    found = presets.combined(names)
    base = {
        "taxonomy": found.taxonomy,
        "prompt": found.prompt,
        "model": found.model,
        "sampling_rate": found.sampling_rate,
    }
    return base | {key: value for key, value in document.items() if key != "preset"}
