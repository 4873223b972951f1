"""Langfuse's wrapper of the OpenAI SDK beside our own instrumentation, both sending here; one stream more is abandoned."""

import gc

from langfuse import Langfuse, propagate_attributes
from langfuse.openai import OpenAI
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import TracerProvider

import api_hooks
from api_hooks.integrations.opentelemetry import Attribution
from tests.others.emitters import calls

provider = TracerProvider()
provider.add_span_processor(Attribution())
langfuse = Langfuse(
    public_key="pk-lf-1", secret_key="sk-lf-1", span_exporter=OTLPSpanExporter(), tracer_provider=provider
)
api_hooks.instrument_openai()
plain = calls.client()
with propagate_attributes(session_id="s-1", user_id="u-17"):
    client = OpenAI(base_url=plain.base_url, api_key="none", max_retries=0)
    calls.make(client)
    said = [{"role": "user", "content": "Tell me a story. play: words:5000"}]
    for _ in client.chat.completions.create(model="gpt-5-mini", messages=said, stream=True):
        break
    gc.collect()
langfuse.shutdown()
api_hooks.flush(30)
