"""An agent of LangGraph that streams, watched by OpenLLMetry's LangChain and OpenTelemetry's own OpenAI: spans side by side."""

from opentelemetry.instrumentation.genai.openai import OpenAIInstrumentor
from opentelemetry.instrumentation.langchain import LangchainInstrumentor

from api_hooks.integrations.opentelemetry import Attribution
from tests.others.emitters import agents, tracing

tracing.start(Attribution(), one_by_one=True)
LangchainInstrumentor().instrument()
OpenAIInstrumentor().instrument()
agents.run(streaming=True)
