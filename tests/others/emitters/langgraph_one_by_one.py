"""An agent of LangGraph that streams, watched by Langfuse's handler and OpenLLMetry's of OpenAI; each span is sent as it ends."""

from langfuse import Langfuse
from langfuse.langchain import CallbackHandler
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.instrumentation.openai import OpenAIInstrumentor

from tests.others.emitters import agents, tracing

provider = tracing.start(one_by_one=True)
langfuse = Langfuse(
    public_key="pk-lf-1", secret_key="sk-lf-1", span_exporter=OTLPSpanExporter(), tracer_provider=provider, flush_at=1
)
OpenAIInstrumentor().instrument(tracer_provider=provider)
agents.run(streaming=True, callbacks=[CallbackHandler()])
langfuse.shutdown()
