"""OpenTelemetry set up as its documentation has it: the SDK, a batch processor, the exporter, all from the environment."""

from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SimpleSpanProcessor, SpanProcessor


def start(*more: SpanProcessor, one_by_one: bool = False) -> TracerProvider:
    """Return the provider, which sends what is left when the program ends; `one_by_one`: each span as it ends."""
    provider = TracerProvider()
    for processor in more:
        provider.add_span_processor(processor)
    sending = SimpleSpanProcessor if one_by_one else BatchSpanProcessor
    provider.add_span_processor(sending(OTLPSpanExporter()))
    trace.set_tracer_provider(provider)
    return provider
