"""An agent of LangGraph that two instrumentations watch: LangChain's by OpenInference, the OpenAI SDK's by OpenLLMetry."""

from openinference.instrumentation.langchain import LangChainInstrumentor
from opentelemetry.instrumentation.openai import OpenAIInstrumentor

from tests.others.emitters import agents, tracing

tracing.start()
LangChainInstrumentor().instrument()
OpenAIInstrumentor().instrument()
agents.run()
