"""The id by which every instrument that sees a call names it, so that it becomes one generation.

That is the provider's response id, where it tells calls apart. LiteLLM shows ids of the Responses API in other forms to
those who call it and to those it reports to; here they become the same again.
"""

import re
from binascii import Error, a2b_base64
from collections.abc import Iterable, Mapping
from typing import Any

from api_hooks.wire.contract import ID_CHARACTERS
from api_hooks.wire.identity import own_id
from api_hooks.wire.reading import elements, field, word
from api_hooks.wire.text import plain

GENERATION_ID_OF_A_SPAN = "aftertag.generation_id"
"""The attribute of a span by which the hook of an SDK says under which id it has recorded the call."""

MODEL_OF_A_SPAN = "aftertag.generation_model"
"""And the model that it asked: a span that states another one is around another call as well."""

MODELS_OF_A_SPAN = (
    "gen_ai.response.model",
    "llm.response.model_name",
    "llm.model_name",
    "langfuse.observation.model.name",
    "ai.response.model",
    "gen_ai.request.model",
    "llm.request.model_name",
    "llm.request.model",
    "ai.model.id",
)
"""Where the instruments state the model of a call, that of the answer first."""

SPAN_NAME = "otlp-"
"""How the id begins of a call that is known by its OpenTelemetry span only."""

_PREFIX = re.compile(r"[A-Za-z]+[-_]")
_TELLING_CHARACTERS = 12
_LONGEST = 4_000
_ITEMS_LOOKED_AT = 20

# "resp_" and, in Base64, "litellm:custom_llm_provider:…;model_id:…;response_id:" before the provider's own id.
_WRAPPED = "resp_bGl0ZWxsbTpj"
_BEFORE_THE_OWN = b";response_id:"
_LONGER_THAN_ANY_PROVIDERS = 120

_OF_THE_DOCUMENTATION = frozenset(
    {
        "msg_013Zva2CMHLNnXjNJJKqJ2EF",
        "resp_67ccd2bed1ec8190b14f964abc0542670bb6a6b452d3795b",
        "msg_67ccd2bf17f0819081ff3bb2cf6508e60bb6a6b452d3795b",
    }
)
"""Ids out of providers' documentation: mock answers bear them in every call (LiteLLM's `mock_response` does)."""


def response_id(given: Any) -> str | None:
    """Return a provider's response id where it can stand for the call, else None.

    Some servers count, or draw among a thousand (`chatcmpl-123`): what is left after a prefix must have 12 characters,
    else calls would vanish. An id that LiteLLM wrapped is unwrapped.
    """
    if not issubclass(type(given), str):
        return None
    own = _unwrapped(plain(given))
    told_apart = _PREFIX.sub("", own[:ID_CHARACTERS], count=1)
    return own_id(own) if len(told_apart) >= _TELLING_CHARACTERS and own not in _OF_THE_DOCUMENTATION else None


def call_id(output: Any) -> str | None:
    """Return the id that stands for a call, read from its whole response; None where nothing tells calls apart.

    LiteLLM's proxy encrypts the id of a Responses answer anew for its caller, and reports it wrapped or encrypted: such
    an answer is named by the id of its first item, which all see alike. May raise what reading `output` raises.
    """
    if output is None or isinstance(output, str):
        return None
    given = word(output, "id")
    if given is not None and word(output, "object") == "response" and _is_told_differently(given):
        items = field(output, "output")
        for item in elements(items)[:_ITEMS_LOOKED_AT] if isinstance(items, list | tuple) else ():
            found = response_id(word(item, "id"))
            if found is not None:
                return found
    return response_id(given)


def is_named(beginning: Mapping[str, Any]) -> bool:
    """Whether the beginning of a response is enough for `call_id`: the rest of it would not change what that returns."""
    given = word(beginning, "id")
    if not given:
        return False
    is_of_an_item = beginning.get("object") == "response" and _is_told_differently(given)
    return not is_of_an_item or call_id(beginning) != response_id(given)


def told_id(attributes: Mapping[str, Any], stated_models: Iterable[Any]) -> str | None:
    """Return the id that a span was told, unless it was told of a call to another model than those that it states."""
    given, model = attributes.get(GENERATION_ID_OF_A_SPAN), attributes.get(MODEL_OF_A_SPAN)
    stated = [one for one in stated_models if isinstance(one, str) and one]
    if not isinstance(given, str) or not given:
        return None
    if stated and isinstance(model, str) and not any(is_same_model(model, one) for one in stated):
        return None
    return given


def span_name(trace_id: str, span_id: str) -> str:
    """The id of a call that is known by its OpenTelemetry span only, whoever hands that on."""
    return f"{SPAN_NAME}{trace_id}-{span_id}"


def is_same_model(one: str, other: str) -> bool:
    """Whether two instruments may mean one model: answers name its dated version where requests name the model."""
    one, other = _bare(one), _bare(other)
    return one.startswith(other) or other.startswith(one)


def _bare(model: str) -> str:
    """Without a gateway's or provider's name before it."""
    return model.rpartition("/")[2].lower()


def _is_told_differently(given: str) -> bool:
    own = _unwrapped(given)
    return own.startswith("resp_") if own != given else len(given) > _LONGER_THAN_ANY_PROVIDERS


def _unwrapped(given: str) -> str:
    if not given.startswith(_WRAPPED) or len(given) > _LONGEST:
        return given
    try:
        _, found, own = a2b_base64(given.removeprefix("resp_")).partition(_BEFORE_THE_OWN)
        return own.decode() if found and own else given
    except (Error, UnicodeDecodeError, ValueError):
        return given
