"""Langfuse's wrapper of the OpenAI SDK, its spans sent here."""

from langfuse import Langfuse, propagate_attributes
from langfuse.openai import OpenAI
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

from tests.others.emitters import calls

langfuse = Langfuse(public_key="pk-lf-1", secret_key="sk-lf-1", span_exporter=OTLPSpanExporter())
plain = calls.client()
with propagate_attributes(session_id="s-1", user_id="u-17"):
    calls.make(OpenAI(base_url=plain.base_url, api_key="none", max_retries=0))
langfuse.shutdown()
