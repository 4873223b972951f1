"""Logfire's instrumentation of an OpenAI client; its SDK sends to the endpoint of OTel's variables by itself."""

import logfire

from tests.others.emitters import calls

logfire.configure(send_to_logfire=False, console=False, inspect_arguments=False)
client = calls.client()
logfire.instrument_openai(client)
calls.make(client)
logfire.shutdown()
