"""OpenInference's instrumentation of LangChain, around an agent of LangGraph."""

from openinference.instrumentation.langchain import LangChainInstrumentor

from tests.others.emitters import agents, tracing

tracing.start()
LangChainInstrumentor().instrument()
agents.run()
