"""Whatever a body holds: a defined result, one shape for what goes wrong, and nothing of the body in it."""

import gzip
import json
from typing import Any

import httpx
import pytest
from sqlalchemy import Engine

from console.server import bodies, errors
from tests.console.server.conftest import Tenant
from tests.console.server.serving import Caller, Server, answered, said
from tests.waiting import wait_until
from tests.worker.line_stage import rows

SENTINEL = "SENTINEL of a conversation"


def refused(answer: httpx.Response, status: int, code: str) -> str:
    """Return the message of an answer that has the one shape of what goes wrong."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/json"
    error = answer.json()["error"]
    assert set(answer.json()) == {"error"}
    assert error["code"] == code
    assert SENTINEL not in answer.text
    return str(error["message"])


@pytest.mark.parametrize(
    ("body", "status", "code", "told"),
    [
        (b"", 400, "bad_request", "The body is empty."),
        (b'{"messages": "' + SENTINEL.encode(), 400, "bad_request", "The body is not JSON (line 1, column "),
        (b"\xff\xfe\x00", 400, "bad_request", "The body is not UTF-8."),
        (b"[" * 100_000, 400, "bad_request", "The JSON is nested too deeply."),
        (b'{"messages": "a", "cost_usd": NaN}', 400, "bad_request", "The JSON has a number that is none"),
        (b'{"messages": "a", "cost_usd": ' + b"9" * 5_000 + b"}", 400, "bad_request", "The JSON has a number"),
        (b"12", 422, "unreadable", "The body is neither a generation nor a list of them"),
        (b'{"generations": 3}', 422, "unreadable", "The body is neither a generation nor a list of them"),
        (b'{"v": 2, "generations": []}', 422, "unreadable", "The message is no batch of wire version 1"),
        (b'{"mesages": "typo"}', 422, "unreadable", 'It cannot be recorded: it has neither "messages" nor "turns"'),
    ],
)
def test_a_body_that_cannot_be_read_is_refused_with_one_sentence(
    shop: Caller, body: bytes, status: int, code: str, told: str
) -> None:
    assert refused(shop.post(body), status, code).startswith(told)


@pytest.mark.parametrize(
    "body",
    [
        b' [-0, 1.0, 1E2, 0.1, 1e999, 12345678901234567890123, true, null, ""] ',
        b'{"a": 1, "a": 2, "": {"b": []}}',
        rb'["\u00fc\ud83d\ude00\n\u0000", "\ud800", "\udc00 and more"]',
        b"\xef\xbb\xbf[1]",
        "[1]".encode("utf-16"),
        b"[" * 300 + b"]" * 300,
    ],
)
def test_json_is_read_as_pythons_own_parser_reads_it_whichever_of_the_two_does(body: bytes) -> None:
    assert json.loads(body) == bodies.as_json(body) == bodies.as_json(body, nan_is_null=True)


@pytest.mark.parametrize("body", [b'{"a": NaN}', b"[-Infinity]"])
def test_no_number_is_refused_or_null(body: bytes) -> None:
    with pytest.raises(errors.BadRequestError):
        bodies.as_json(body)
    assert "null" in json.dumps(bodies.as_json(body, nan_is_null=True))


@pytest.mark.parametrize("document", [None, 3, "text", [], {"v": 1}, {"id": "x"}, {"messages": None, "output": None}])
def test_what_is_no_generation_is_rejected_and_its_neighbours_go_in(shop: Caller, document: object) -> None:
    answer = shop.post([said(), document, said()])
    assert answer.status_code == 200
    assert [one["status"] for one in answer.json()["results"]] == ["recorded", "rejected", "recorded"]
    assert answer.json()["results"][1]["reason"]


def test_of_a_key_that_comes_twice_the_last_stands_and_unknown_ones_are_left_out(
    shop: Caller, tenant: Tenant, shared_engine: Engine
) -> None:
    body = b'{"messages": "a", "model": "first", "model": "last", "colour": "blue"}'
    assert shop.post(body).json()["recorded"] == 1
    assert rows(shared_engine, "select model from generations where workspace = :w", w=tenant.workspace) == ["last"]


def test_what_postgres_cannot_store_becomes_a_sign(shop: Caller, tenant: Tenant, shared_engine: Engine) -> None:
    body = b'{"messages": "a\\u0000b\\ud800c", "id": "n\\u0000", "metadata": {"k\\u0000": "\\udfff"}}'
    assert shop.post(body).json()["results"] == [{"id": "n\ufffd", "status": "recorded"}]
    (turns,) = rows(shared_engine, "select turns from transcripts where workspace = :w", w=tenant.workspace)
    assert turns[0][1] == "a\ufffdb\ufffdc"


def test_a_deep_document_is_recorded_or_refused_and_never_breaks_anything(shop: Caller) -> None:
    for depth in (10, 100, 500, 900, 990, 2_000):
        body = b'{"messages": [{"role": "user", "content": ' + b'{"a":' * depth + b"1" + b"}" * depth + b"}]}"
        answer = shop.post(body)
        assert answer.status_code in (200, 400, 422), answer.text
    assert shop.post(said()).status_code == 200


@pytest.mark.parametrize("media_type", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data"])
def test_another_content_type_is_refused(shop: Caller, media_type: str) -> None:
    message = refused(shop.post(said(), content_type=media_type), 415, "unsupported")
    assert message == "The content type is not read here; send application/json."


def test_json_is_read_with_a_charset_and_without_a_content_type(shop: Caller) -> None:
    assert shop.post(said(), content_type="application/json; charset=utf-8").status_code == 200
    assert shop.post(said(), content_type="").status_code == 200


def test_gzip_is_unpacked_and_other_encodings_are_refused(shop: Caller) -> None:
    assert shop.zipped(json.dumps(said()).encode()).json()["recorded"] == 1
    assert "send gzip" in refused(shop.post(b"x", content_encoding="br"), 415, "unsupported")
    broken = gzip.compress(json.dumps(said()).encode())
    for body in (b"no gzip", broken[:-9], broken[:12] + b"\xff" * 20, b""):
        answer = shop.post(body, content_encoding="gzip")
        assert "gzip" in refused(answer, 400, "bad_request") or body == b""


def test_large_texts_and_many_turns_are_recorded_within_the_wires_bounds(
    shop: Caller, tenant: Tenant, shared_engine: Engine
) -> None:
    assert shop.post(said("x" * 10_000_000, id="long")).json()["recorded"] == 1
    turns = [{"role": "user", "content": str(number)} for number in range(20_000)]
    assert shop.post({"messages": turns, "id": "many"}).json()["recorded"] == 1
    found = rows(
        shared_engine,
        """
        select generation_id, jsonb_array_length(turns), turns -> 0 -> 3, left_out from transcripts
        where workspace = :w order by 1
        """,
        w=tenant.workspace,
    )
    assert found == [("long", 2, 10_000_000, 0), ("many", 20_000, None, 0)]


def test_ten_thousand_generations_go_into_one_request_and_no_more(
    shop: Caller, tenant: Tenant, shared_engine: Engine
) -> None:
    sent: list[Any] = [said(id=str(number)) for number in range(10_000)]
    found = wait_until(lambda: answered(shop, sent), deadline_seconds=100, what="an answer that is not 503")
    assert found["recorded"] + found["known"] == 10_000
    message = refused(shop.post([*sent, said()]), 413, "too_large")
    assert message.startswith("The body holds 10,001 generations; at most 10,000 go into one request")
    count = "select count(*) from generations where workspace = :w"
    assert rows(shared_engine, count, w=tenant.workspace) == [10_000]


def test_nothing_of_a_body_is_in_the_log(shop: Caller, server: Server) -> None:
    for document in (SENTINEL, [SENTINEL], {"messages": SENTINEL, "workspace": SENTINEL}, {SENTINEL: 1, "v": SENTINEL}):
        shop.post(document)
        shop.post(json.dumps(document).encode()[:-1])
    shop.post(said(SENTINEL))
    assert SENTINEL not in server.log


def test_an_address_or_a_method_that_is_not_there_is_told_in_the_same_shape(shop: Caller) -> None:
    assert "/docs" in refused(shop.client.get("/v2/generations"), 404, "not_found")
    answer = shop.client.get("/v1/generations")
    assert "/docs" in refused(answer, 405, "method_not_allowed")
    assert answer.headers["allow"] == "POST"
