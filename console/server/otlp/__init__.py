"""OpenTelemetry's traces: from a request's bytes to spans, from spans to the generations that are among them."""
