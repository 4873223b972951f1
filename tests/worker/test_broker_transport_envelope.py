"""Reading one message: everything sound is accepted, everything else refused with its fault, and nothing raises."""

import json
import math
import zlib
from inspect import Signature, signature
from typing import Any

import pytest
from celery import Celery
from celery.worker.request import Request
from hypothesis import given
from hypothesis import strategies as st

from tests.worker.broken_messages import SENTINEL, broken, encoded, good
from worker.broker_transport import envelope
from worker.broker_transport.envelope import Accepted
from worker.broker_transport.refusals import Fault, Refused
from worker.broker_transport.transport import CheckedMessage, _Delivery

BROKEN = list(broken())


def keep(word: str) -> None: ...


KNOWN: dict[str, Signature] = {"test.keep": signature(keep)}


def read(raw: bytes) -> Accepted | Refused:
    return envelope.read(raw, known_tasks=KNOWN, max_bytes=200_000)


def changed(*, headers: dict[str, Any] | None = None, body: str | bytes | None = None) -> Accepted | Refused:
    document = good()
    document["headers"].update(headers or {})
    if body is not None:
        document["body"] = encoded(body)
    return read(json.dumps(document).encode())


def test_a_message_as_celery_writes_it_is_accepted() -> None:
    outcome = changed()
    assert isinstance(outcome, Accepted)
    assert outcome.headers["task"] == "test.keep"
    assert [list(outcome.body[0]), dict(outcome.body[1])] == [["word"], {}]


@pytest.mark.parametrize(("fault", "raw"), [pytest.param(fault, raw, id=name) for name, fault, raw in BROKEN])
def test_a_broken_message_is_refused_with_its_fault_and_without_its_text(fault: str, raw: bytes) -> None:
    outcome = read(raw)
    assert isinstance(outcome, Refused)
    assert outcome.fault.value == fault
    assert SENTINEL not in outcome.error


def test_every_fault_is_reached() -> None:
    assert {fault for _, fault, _ in BROKEN} == {fault.value for fault in Fault}


def test_a_compressed_body_is_opened() -> None:
    body = zlib.compress(json.dumps([["word"], {}, {}]).encode())
    outcome = changed(headers={"compression": "application/x-gzip"}, body=body)
    assert isinstance(outcome, Accepted)
    assert list(outcome.body[0]) == ["word"]


def test_headers_of_tracing_tools_are_left_behind() -> None:
    outcome = changed(headers={"traceparent": "00-1", "baggage": "a=b", "headers": {"x": 1}, "update": 1, "chord": {}})
    assert isinstance(outcome, Accepted)
    assert not {"traceparent", "baggage", "headers", "update", "chord"} & set(outcome.headers)


def test_an_expiry_is_passed_on_in_universal_time() -> None:
    outcome = changed(headers={"expires": "2026-11-21T09:30:00+02:00"})
    assert isinstance(outcome, Accepted)
    assert outcome.headers["expires"] == "2026-11-21T07:30:00+00:00"


def test_objects_that_ask_kombu_for_a_type_stay_objects() -> None:
    outcome = changed(body=json.dumps([[{"__type__": "uuid", "__value__": SENTINEL}], {}, {}]))
    assert isinstance(outcome, Accepted)
    assert outcome.body[0][0] == {"__type__": "uuid", "__value__": SENTINEL}


def test_numbers_that_are_none_read_as_null() -> None:
    outcome = changed(body=json.dumps([[[math.nan, math.inf, -math.inf]], {}, {}]))
    assert isinstance(outcome, Accepted)
    assert outcome.body[0][0] == [None, None, None]


def test_arguments_are_not_in_any_repr() -> None:
    outcome = changed(headers={"argsrepr": SENTINEL, "kwargsrepr": SENTINEL}, body=json.dumps([[SENTINEL], {}, {}]))
    assert isinstance(outcome, Accepted)
    assert SENTINEL not in repr(outcome) + repr(outcome.body) + repr(outcome.headers)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=10,
)


@given(st.binary(max_size=2_000))
def test_no_bytes_make_reading_raise(raw: bytes) -> None:
    assert isinstance(read(raw), Refused)


@given(JSON)
def test_no_json_makes_reading_raise(document: Any) -> None:
    assert isinstance(read(json.dumps(document).encode()), Accepted | Refused)


@given(JSON)
def test_no_body_makes_reading_raise(body: Any) -> None:
    assert isinstance(changed(body=json.dumps(body)), Accepted | Refused)


PLACES = [(name,) for name in good()] + [
    (section, name) for section in ("headers", "properties") for name in good()[section]
]


@given(st.lists(st.tuples(st.sampled_from(PLACES), JSON), min_size=1, max_size=3))
def test_what_is_accepted_never_makes_celery_raise(changes: list[tuple[tuple[str, ...], Any]]) -> None:
    document = good()
    for (first, *rest), value in changes:
        if not rest:
            document[first] = value
        elif isinstance(document[first], dict):
            document[first][rest[0]] = value
    outcome = read(json.dumps(document).encode())
    if isinstance(outcome, Accepted):
        request = request_of(outcome)
        assert request.name == "test.keep"
        assert not request.revoked() or request.expires is not None
        assert SENTINEL not in repr(request)


def request_of(accepted: Accepted) -> Any:
    """What Celery's consumer makes of the message before it goes to the pool."""
    app = Celery("strict", set_as_current=False)
    app.conf.task_ignore_result = True
    task = app.task(name="test.keep", shared=False)(keep)
    message = CheckedMessage(_Delivery(accepted, "record", "tag"))
    return Request(message, app=app, task=task, body=message.body, headers=message.headers, utc=True)
