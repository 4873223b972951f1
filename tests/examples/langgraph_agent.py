"""LangChain and LangGraph: OpenInference's instrumentation, and an exporter that reads `opentelemetry.env`.

`Attribution` (`pip install aftertag`) lets `api_hooks.context` say whose the calls are.
"""

from langchain.agents import create_agent
from openinference.instrumentation.langchain import LangChainInstrumentor
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

import api_hooks
from api_hooks.integrations.opentelemetry import Attribution

provider = TracerProvider()
provider.add_span_processor(Attribution())
provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
LangChainInstrumentor().instrument(tracer_provider=provider)

agent = create_agent("openai:gpt-5-mini")
with api_hooks.context(user="u-17", session_id="s-1", metadata={"team": "red"}):
    answer = agent.invoke({"messages": [{"role": "user", "content": "Why is the sky blue?"}]})
print(answer["messages"][-1].content)  # noqa: T201
