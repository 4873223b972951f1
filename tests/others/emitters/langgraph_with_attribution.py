"""An agent of LangGraph that streams, watched by OpenInference's LangChain and OpenLLMetry's OpenAI: spans of several traces."""

from openinference.instrumentation.langchain import LangChainInstrumentor
from opentelemetry.instrumentation.openai import OpenAIInstrumentor

from api_hooks.integrations.opentelemetry import Attribution
from tests.others.emitters import agents, tracing

tracing.start(Attribution(), one_by_one=True)
LangChainInstrumentor().instrument()
OpenAIInstrumentor().instrument()
agents.run(streaming=True)
