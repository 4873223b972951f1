"""OpenLLMetry's instrumentation of LangChain beside our own of the OpenAI SDK: an agent that streams, as a coroutine."""

from opentelemetry.instrumentation.langchain import LangchainInstrumentor

import api_hooks
from api_hooks.integrations.opentelemetry import Attribution
from tests.others.emitters import agents, tracing

tracing.start(Attribution())
LangchainInstrumentor().instrument()
api_hooks.instrument_openai()
agents.run(streaming=True, in_a_loop=True)
api_hooks.flush(30)
