"""OpenAI's SDK, from 1.66 on: its chat completions, Responses and legacy completions are handed over by themselves."""

from api_hooks.integrations.stainless.sdk import Sdk


def _clients() -> tuple[type, type]:
    import openai

    return openai.OpenAI, openai.AsyncOpenAI


SDK = Sdk(
    name="openai",
    clients=_clients,
    forms={"/chat/completions": "chat", "/responses": "responses", "/completions": "completions"},
)
