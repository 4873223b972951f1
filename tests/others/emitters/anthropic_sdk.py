"""The Anthropic SDK's own tracing, which is built in."""

import os

import anthropic

from tests.others.emitters import calls, tracing

client = anthropic.Anthropic(
    base_url=os.environ["PROVIDER_URL"],
    api_key="none",
    open_telemetry={
        "tracer_provider": tracing.start(),
        "traces": {"content_mode": "content"},
        "conversation_id": "s-1",
    },
)
answered = client.messages.create(
    model="claude-haiku-5-5",
    max_tokens=100,
    system="Be brief.",
    messages=[{"role": "user", "content": calls.QUESTION}],
)
calls.tell(prompt=answered.usage.input_tokens, completion=answered.usage.output_tokens, ids=[answered.id])
