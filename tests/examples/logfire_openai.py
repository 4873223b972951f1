"""Logfire: it sends to the endpoint in `opentelemetry.env` by itself, with or without an account of its own."""

import logfire
import openai

logfire.configure(send_to_logfire="if-token-present")
logfire.instrument_openai()

answer = openai.OpenAI().chat.completions.create(
    model="gpt-5-mini", messages=[{"role": "user", "content": "Why is the sky blue?"}]
)
print(answer.choices[0].message.content)  # noqa: T201
