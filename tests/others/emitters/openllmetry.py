"""OpenLLMetry's instrumentation of the OpenAI SDK."""

from opentelemetry.instrumentation.openai import OpenAIInstrumentor

from tests.others.emitters import calls, tracing

tracing.start()
OpenAIInstrumentor().instrument()
calls.make(calls.client())
