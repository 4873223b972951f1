"""When a span's call was made and how long it took."""

from datetime import UTC, datetime, timedelta

from console.server.otlp import logfire
from console.server.otlp.spans import Span

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def created_at(span: Span) -> datetime | None:
    """The span's start; None where it names no time, which makes it now."""
    nanoseconds = span.start_ns or span.end_ns
    if not nanoseconds:
        return None
    moment = _EPOCH + timedelta(microseconds=nanoseconds // 1000)
    return moment - timedelta(seconds=logfire.streamed_seconds(span) or 0.0)


def latency_ms(span: Span) -> float | None:
    """From its start to its end; None where one of them is missing or they are the wrong way round."""
    streamed = logfire.streamed_seconds(span)
    if streamed is not None:
        return streamed * 1000
    if not span.start_ns or span.end_ns < span.start_ns:
        return None
    return (span.end_ns - span.start_ns) / 1_000_000
