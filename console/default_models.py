"""Which model is asked where nobody names one: a preset's where its endpoint knows that name, the endpoint's default, or none."""

from collections.abc import Mapping

from classifier_models import local, quirks
from classifier_models.endpoints import LOCAL, Endpoint
from console.errors import NoDefaultModelError


def of(name: object, endpoints: Mapping[str, Endpoint], *, recommended: object = None) -> object:
    """Return the model to ask at the endpoint called `name`; `recommended` is a preset's.

    An endpoint that is not configured here has the defaults of the provider it is named after. Raise
    NoDefaultModelError where only the operator knows what is served: Ollama, and servers by address.
    """
    if name == LOCAL.name:
        return local.MODEL
    endpoint = endpoints.get(str(name))
    found = endpoint.quirks if endpoint is not None else quirks.of(str(name), host="")
    if found.has_models_of_presets and recommended is not None:
        return recommended
    if found.default_model is None:
        raise NoDefaultModelError(str(name))
    return found.default_model


def first_with_default(endpoints: Mapping[str, Endpoint]) -> Endpoint:
    """Return the first configured endpoint that needs no model named, else `local`."""
    return next((one for one in endpoints.values() if one.quirks.default_model is not None), LOCAL)
