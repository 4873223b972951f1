"""Anthropic's SDK, from 0.49 on: its messages, beta ones included, are handed over by themselves."""

from typing import Any

from api_hooks.integrations.stainless import installing
from api_hooks.integrations.stainless.sdk import Sdk

_VERTEX = (":rawPredict", ":streamRawPredict")
_BEDROCK = ("/invoke", "/invoke-with-response-stream")
"""What their clients make of the address, before it comes to where we watch."""

SDK = Sdk(
    name="anthropic",
    forms=dict.fromkeys(("/v1/messages", *_VERTEX, *_BEDROCK), "messages"),
)


def instrument(client: Any = None) -> None:
    """See `api_hooks.instrument_anthropic`."""
    if client is None:
        installing.install_everywhere(SDK, _classes())
    else:
        installing.install(SDK, client)


def uninstrument(client: Any = None) -> None:
    """See `api_hooks.uninstrument_anthropic`."""
    if client is None:
        installing.remove_everywhere(_classes())
    else:
        installing.remove(client)


def _classes() -> tuple[type, type]:
    import anthropic

    return anthropic.Anthropic, anthropic.AsyncAnthropic
