"""Programs that make model calls and watch them with somebody's OpenTelemetry instrumentation.

Each is run as `python -m tests.others.emitters.NAME` with PROVIDER_URL and OTel's own variables, and ends with one line
of JSON: what the SDK itself said the calls used.
"""
