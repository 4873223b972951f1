"""OpenInference's instrumentation of LangChain beside our own of the OpenAI SDK: an agent that streams, also as a coroutine."""

from openinference.instrumentation.langchain import LangChainInstrumentor

import api_hooks
from api_hooks.integrations.opentelemetry import Attribution
from tests.others.emitters import agents, tracing

tracing.start(Attribution())
LangChainInstrumentor().instrument()
api_hooks.instrument_openai()
agents.run(streaming=True)
api_hooks.flush(30)
