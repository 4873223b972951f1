"""Spans around a call: the first that is made right inside of one takes it, and tells it by which id it is known."""

import gc
import itertools
from collections.abc import Iterator
from contextvars import copy_context
from types import SimpleNamespace
from typing import Any

import pytest

from api_hooks import open_spans

_ids = itertools.count(1)


class Span:
    """What OpenTelemetry's span has, as far as it is looked at."""

    def __init__(self) -> None:
        self.context = SimpleNamespace(span_id=next(_ids))
        self.attributes: dict[str, Any] = {}
        self.end_time: int | None = None

    def set_attribute(self, name: str, value: Any) -> None:
        self.attributes[name] = value


class OddSpan(Span):
    def set_attribute(self, name: str, value: Any) -> None:
        raise TypeError


@pytest.fixture(autouse=True)
def a_context_without_spans() -> Iterator[None]:
    token = open_spans._started.set(())
    yield
    open_spans._started.reset(token)


def started(kind: type[Span] = Span) -> Span:
    span = kind()
    open_spans.start(span)
    return span


def told(span: Span) -> Any:
    return span.attributes.get("aftertag.generation_id")


def call(generation_id: str) -> None:
    """Make a call that is over at once."""
    around = open_spans.take()
    if around is not None:
        around.tell(generation_id, "m")


def test_outside_of_any_span_there_is_nothing_to_tell() -> None:
    assert open_spans.take() is None
    open_spans.end(1, "c-1", "m")


def test_a_call_tells_the_span_that_it_is_right_inside_of() -> None:
    outer, inner = started(), started()
    call("c-1")
    assert (told(outer), told(inner)) == (None, "c-1")


def test_a_later_call_in_the_same_span_does_not_tell_it_again() -> None:
    agent = started()
    call("c-1")
    call("c-2")
    assert told(agent) == "c-1"


def test_a_stream_keeps_its_span_while_other_calls_are_made() -> None:
    first = started()
    streaming = open_spans.take()
    second = started()
    call("c-2")
    second.end_time = 1
    call("c-3")
    assert streaming is not None
    streaming.tell("c-1", "m")
    assert (told(first), told(second)) == ("c-1", "c-2")


def test_a_span_that_knows_its_call_tells_the_one_around_it_as_it_ends() -> None:
    outer, inner = started(), started()
    inner.end_time = 1
    open_spans.end(inner.context.span_id, "c-1", "m")
    call("c-2")
    assert told(outer) == "c-1"


def test_a_span_that_ends_later_than_the_one_around_it_tells_nobody() -> None:
    outer, inner = started(), started()
    outer.end_time = inner.end_time = 1
    open_spans.end(inner.context.span_id, "c-1", "m")
    assert told(outer) is None


def test_of_two_streams_in_one_context_each_ends_in_its_own_span() -> None:
    first = started()
    first_inner = started()
    second = started()
    second_inner = started()
    for inner, generation_id in ((second_inner, "c-2"), (first_inner, "c-1")):
        inner.end_time = 1
        open_spans.end(inner.context.span_id, generation_id, "m")
    assert (told(first), told(second)) == ("c-1", "c-2")


def test_a_span_that_has_ended_is_neither_taken_nor_told() -> None:
    before, during = started(), started()
    before.end_time = 1
    taken = open_spans.take()
    during.end_time = 2
    assert taken is not None
    taken.tell("c-1", "m")
    call("c-2")
    assert (told(before), told(during)) == (None, None)


def test_a_span_is_not_kept_alive() -> None:
    started()
    gc.collect()
    assert open_spans.take() is None


def test_of_very_many_open_spans_the_last_are_remembered() -> None:
    spans = [started() for _ in range(20)]
    for number, span in enumerate(reversed(spans)):
        call(f"c-{number}")
        span.end_time = 1
    assert [told(span) for span in spans] == [None] * 12 + [f"c-{number}" for number in reversed(range(8))]


def test_an_odd_span_fails_no_call() -> None:
    odd = started(OddSpan)
    call("c-1")
    assert told(odd) is None


def test_a_context_knows_the_spans_of_the_one_it_was_copied_from_and_not_the_other_way() -> None:
    outer = started()
    inside = copy_context()
    inner = inside.run(started)
    inside.run(call, "c-1")
    call("c-2")
    assert (told(outer), told(inner)) == ("c-2", "c-1")
