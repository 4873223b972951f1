"""Anthropic's SDK, from 0.49 on: its messages, beta ones included, are handed over by themselves."""

from api_hooks.integrations.stainless.sdk import Sdk

_VERTEX = (":rawPredict", ":streamRawPredict")
_BEDROCK = ("/invoke", "/invoke-with-response-stream")
"""What their clients make of the address, before it comes to where we watch."""


def _clients() -> tuple[type, type]:
    import anthropic

    return anthropic.Anthropic, anthropic.AsyncAnthropic


SDK = Sdk(
    name="anthropic",
    clients=_clients,
    forms=dict.fromkeys(("/v1/messages", *_VERTEX, *_BEDROCK), "messages"),
)
