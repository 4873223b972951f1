"""Anthropic's SDK: the calls of one client are handed over, with those of its copies; without one, of every client."""

import anthropic

import api_hooks

client = api_hooks.instrument_anthropic(anthropic.Anthropic())

with api_hooks.context(workspace="acme", user="u-17", session_id="s-1"):
    answer = client.messages.create(
        model="claude-haiku-5-5", max_tokens=200, messages=[{"role": "user", "content": "Why is the sky blue?"}]
    )
print(answer.content[0].text)  # noqa: T201
