"""OpenAI's SDK: every call of every client is handed over, streams when they end."""

import openai

import api_hooks

api_hooks.instrument_openai()

client = openai.OpenAI()
answer = client.responses.create(model="gpt-5-mini", input="Why is the sky blue?")
print(answer.output_text)  # noqa: T201

messages = [{"role": "user", "content": "And at dusk?"}]
for chunk in client.chat.completions.create(model="gpt-5-mini", messages=messages, stream=True):
    print(chunk.choices[0].delta.content or "", end="")  # noqa: T201
