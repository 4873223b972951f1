"""OpenAI's SDK, from 1.66 on: its chat completions, Responses and legacy completions are handed over by themselves."""

from api_hooks.integrations.stainless.sdk import Sdk

SDK = Sdk(
    name="openai",
    clients=("OpenAI", "AsyncOpenAI"),
    forms={"/chat/completions": "chat", "/responses": "responses", "/completions": "completions"},
)
