"""Which spans are of our classifiers' own model calls, by what gateways report of a call also where they capture no text."""

from typing import Any

from api_hooks import wire
from api_hooks.wire import own_calls
from console.server.otlp.spans import Attributes

_SAID = (f"trace.metadata.{wire.OWN_CALL_KEY}", f"http.request.header.{wire.OWN_CALL_HEADER}")
"""OpenRouter's `trace`, and our header where a gateway was told to report it."""

_AGENTS = ("user_agent.original", "http.user_agent", "http.request.header.user-agent", "metadata.user_agent")
"""The last is LiteLLM's."""

_TELLING = frozenset((*_SAID, *_AGENTS))


def mark_of(said: Attributes) -> str | None:
    """The mark of a classifier's own call among the attributes of its span."""
    if _TELLING.isdisjoint(said):
        return None
    told = next(filter(None, (own_calls.of_field(_one(said.get(name))) for name in _SAID)), None)
    return told or own_calls.of_agents(_one(said.get(name)) for name in _AGENTS)


def _one(value: Any) -> Any:
    """A header is a list of texts by OpenTelemetry's conventions, and one text where an emitter did not read them."""
    return value[0] if isinstance(value, list | tuple) and value else value
