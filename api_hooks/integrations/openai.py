"""OpenAI's SDK, from 1.66 on: its chat completions, Responses and legacy completions are handed over by themselves."""

from typing import Any

from api_hooks.integrations.stainless import installing
from api_hooks.integrations.stainless.sdk import Sdk

SDK = Sdk(
    name="openai",
    forms={"/chat/completions": "chat", "/responses": "responses", "/completions": "completions"},
)


def instrument(client: Any = None) -> None:
    """See `api_hooks.instrument_openai`."""
    if client is None:
        installing.install_everywhere(SDK, _classes())
    else:
        installing.install(SDK, client)


def uninstrument(client: Any = None) -> None:
    """See `api_hooks.uninstrument_openai`."""
    if client is None:
        installing.remove_everywhere(_classes())
    else:
        installing.remove(client)


def _classes() -> tuple[type, type]:
    import openai

    return openai.OpenAI, openai.AsyncOpenAI
