"""A span as OTLP brought it, whichever its encoding was; telling which spans are generations is next."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

SPANS_AT_MOST = 20_000
"""Of one request; what is over is rejected, and the sender is told."""

DEEPEST = 16
"""How far lists and maps may be nested in an attribute; what lies deeper is left out."""

Attributes = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something that happened within a span: a message, an exception."""

    name: str
    attributes: Attributes = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """One span. Ids are in hexadecimal digits, empty where there is none; times in nanoseconds since 1970, 0: unknown."""

    name: str = field(repr=False)
    trace_id: str
    span_id: str
    parent_id: str
    start_ns: int
    end_ns: int
    failed: bool
    scope: str = field(repr=False)
    attributes: Attributes = field(repr=False)
    resource: Attributes = field(repr=False)
    events: Sequence[Event] = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Decoded:
    """The spans of a request, and how many more it had than are taken."""

    spans: Sequence[Span] = field(repr=False)
    too_many: int = 0
