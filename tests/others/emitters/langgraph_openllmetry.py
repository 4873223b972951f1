"""OpenLLMetry's instrumentation of LangChain, around an agent of LangGraph that streams."""

from opentelemetry.instrumentation.langchain import LangchainInstrumentor

from tests.others.emitters import agents, tracing

tracing.start()
LangchainInstrumentor().instrument()
agents.run(streaming=True)
