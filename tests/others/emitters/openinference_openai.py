"""OpenInference's instrumentation of the OpenAI SDK, with a session and a user."""

from openinference.instrumentation import using_attributes
from openinference.instrumentation.openai import OpenAIInstrumentor

from tests.others.emitters import calls, tracing

tracing.start()
OpenAIInstrumentor().instrument()
with using_attributes(session_id="s-1", user_id="u-17"):
    calls.make(calls.client())
