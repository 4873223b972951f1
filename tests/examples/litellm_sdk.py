"""LiteLLM's SDK: every call that succeeds is handed over, whatever the provider."""

import litellm

from api_hooks.integrations.litellm import callback

litellm.callbacks = [callback]

answer = litellm.completion(
    model="gpt-5-mini", messages=[{"role": "user", "content": "Why is the sky blue?"}], user="u-17"
)
print(answer.choices[0].message.content)  # noqa: T201
