"""Streams that are read while other calls are made: of OpenAI's SDK, of Anthropic's own tracing, and of LangChain's."""

import os
from typing import Any

import anthropic
import openai
from langchain_openai import ChatOpenAI
from openinference.instrumentation.langchain import LangChainInstrumentor
from opentelemetry.instrumentation.genai.openai import OpenAIInstrumentor

import api_hooks
from api_hooks.integrations.opentelemetry import Attribution
from tests.others.emitters import calls, tracing

provider = tracing.start(Attribution())
OpenAIInstrumentor().instrument(tracer_provider=provider)
LangChainInstrumentor().instrument(tracer_provider=provider)
api_hooks.instrument_openai()
client = calls.client()
claude = anthropic.Anthropic(
    base_url=os.environ["PROVIDER_URL"],
    api_key="none",
    open_telemetry={"tracer_provider": provider, "traces": {"content_mode": "content"}},
)
chain = ChatOpenAI(model="gpt-5-mini", base_url=str(client.base_url), api_key="none", stream_usage=True)


def said(text: str) -> list[Any]:
    return [{"role": "user", "content": text}]


def translate(asked: openai.OpenAI, number: int) -> str:
    return str(asked.chat.completions.create(model="gpt-5-mini", messages=said(f"Translate part {number}.")).id)


ids = []
story = client.chat.completions.create(model="gpt-5-mini", messages=said("A story. play: words:4"), stream=True)
for number, chunk in enumerate(story):
    ids += [chunk.id, translate(client, number)]
for number, event in enumerate(
    claude.messages.create(model="claude-haiku-5-5", max_tokens=99, messages=said("play: words:4"), stream=True)
):
    ids += [event.message.id] if event.type == "message_start" else [translate(client, 100 + number)]
first, second = chain.stream("Count up. play: words:6"), chain.stream("Count down. play: words:5")
for pair in zip(first, second, strict=False):
    ids += [one.response_metadata["id"] for one in pair if "id" in one.response_metadata]
list(first)
list(second)
calls.tell(ids=sorted(set(ids)))
api_hooks.flush(30)
