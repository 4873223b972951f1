"""What OpenAI's and Anthropic's SDKs share: both come from one generator, so that one seam serves both.

Every answer of a provider passes one method of their clients, `_process_response`, with its request. That is where a
call is seen (`watching.py`): create, parse, stream, raw responses and all kinds of clients, once each; failed attempts
and errors never come there. Nothing that the application gets is replaced or wrapped: a whole response's bytes are
taken as they came; a stream's events as its decoder makes them (`streams.py`), a raw response's body as the application
reads it (`bodies.py`). What the bytes mean is made out on the sending thread (`reading.py`, `assembling/`).
"""
