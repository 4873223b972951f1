"""OpenTelemetry's own instrumentation of the OpenAI SDK; text only where its environment switches that on."""

from opentelemetry.instrumentation.genai.openai import OpenAIInstrumentor

from tests.others.emitters import calls, tracing

tracing.start()
OpenAIInstrumentor().instrument()
calls.make(calls.client())
