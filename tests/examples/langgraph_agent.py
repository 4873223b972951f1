"""LangChain and LangGraph: OpenInference's instrumentation, and an exporter that reads `opentelemetry.env`."""

from langchain.agents import create_agent
from openinference.instrumentation.langchain import LangChainInstrumentor
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

provider = TracerProvider()
provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
LangChainInstrumentor().instrument(tracer_provider=provider)

agent = create_agent("openai:gpt-5-mini")
answer = agent.invoke({"messages": [{"role": "user", "content": "Why is the sky blue?"}]})
print(answer["messages"][-1].content)  # noqa: T201
