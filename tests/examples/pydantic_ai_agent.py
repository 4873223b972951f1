"""PydanticAI: its own instrumentation, and an exporter that reads `opentelemetry.env`."""

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from pydantic_ai import Agent, InstrumentationSettings

provider = TracerProvider()
provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))

Agent.instrument_all(InstrumentationSettings(tracer_provider=provider))

agent = Agent("openai:gpt-5-mini")
print(agent.run_sync("Why is the sky blue?").output)  # noqa: T201
