"""The hook over HTTP: what arrives, and what happens for each answer that a server may give."""

import json
import logging
from collections.abc import Callable
from email.utils import formatdate
from time import time
from typing import Any

import pytest

import api_hooks
from api_hooks import poster
from api_hooks.settings import Settings
from tests.api_hooks.http_server import (
    Play,
    PlayedServer,
    breaking_off,
    hanging,
    not_http,
    playing,
    recorded,
    recorded_and_gone,
    rejecting,
    status,
    taking_with,
    trickling,
)
from tests.waiting import wait_until

KEY = "at_sentinel-key-4c1"
SENTINEL = "sentinel-text-91c"

pytestmark = pytest.mark.usefixtures("closes_the_hook")


def configure(server: PlayedServer, **given: Any) -> Settings:
    return api_hooks.configure(**{"url": server.url, "key": KEY, "flush_seconds": 0.01, **given})


def test_a_batch_arrives_with_the_key_and_says_who_sends_it() -> None:
    with playing() as server:
        configure(server)
        assert api_hooks.enqueue([{"role": "user", "content": "grüezi 😀"}], "hi", id="own-1", workspace="acme")
        assert api_hooks.flush(30)
    [request] = server.requests
    assert request.path == "/v1/generations"
    assert request.headers["authorization"] == f"Bearer {KEY}"
    assert request.headers["content-type"] == "application/json"
    assert request.headers["user-agent"].startswith("aftertag-hook/0.")
    assert request.batch["v"] == 1
    [generation] = request.batch["generations"]
    assert (generation["id"], generation["workspace"]) == ("own-1", "acme")
    assert generation["turns"][0] == ["user", "grüezi 😀", None, None]
    assert api_hooks.stats().sent == 1


def test_the_address_may_have_a_path_and_the_key_may_be_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AFTERTAG_KEY", raising=False)
    with playing() as server:
        configure(server, url=f"{server.url}/llm/", key=None)
        api_hooks.enqueue("hello")
        assert api_hooks.flush(30)
    [request] = server.requests
    assert request.path == "/llm/v1/generations"
    assert "authorization" not in request.headers


def test_the_key_is_read_from_the_environment_without_its_newline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AFTERTAG_KEY", f"{KEY}\n")
    with playing() as server:
        configure(server, key=None)
        api_hooks.enqueue("hello")
        assert api_hooks.flush(30)
    assert server.requests[0].headers["authorization"] == f"Bearer {KEY}"


def test_a_server_knows_the_workspace_by_the_key() -> None:
    with playing() as server:
        configure(server)
        assert api_hooks.enqueue("hello")
        assert api_hooks.enqueue("hello", workspace="acme")
        assert api_hooks.flush(30)
    assert [generation["workspace"] for generation in server.generations] == [None, "acme"]
    assert api_hooks.stats().dropped == {}


def test_batches_share_a_connection() -> None:
    with playing() as server:
        configure(server)
        for number in range(3):
            api_hooks.enqueue(str(number))
            assert api_hooks.flush(30)
    assert len(server.requests) == 3
    assert len({request.port for request in server.requests}) == 1


def test_a_connection_that_the_server_ended_meanwhile_is_made_again_without_a_failure() -> None:
    with playing(recorded_and_gone, recorded) as server:
        configure(server)
        for text in ("first", "second"):
            api_hooks.enqueue(text)
            assert api_hooks.flush(30)
            assert not api_hooks.stats().is_failing
    assert server.texts == ["first", "second"]


def test_a_server_that_closes_after_each_answer_takes_everything() -> None:
    with playing(taking_with(b"{}", Connection="close")) as server:
        configure(server)
        for text in ("first", "second"):
            api_hooks.enqueue(text)
            assert api_hooks.flush(30)
    assert server.texts == ["first", "second"]
    assert api_hooks.stats().sent == 2


def test_what_the_server_rejects_is_counted_and_told_with_the_next_batch() -> None:
    with playing(rejecting("2", "3"), recorded) as server:
        configure(server, flush_seconds=30)
        for number in range(4):
            api_hooks.enqueue("x", id=str(number))
        assert api_hooks.flush(30)
        stats = api_hooks.stats()
        assert (stats.accepted, stats.sent, stats.dropped) == (4, 2, {"rejected": 2})
        api_hooks.enqueue("next")
        assert api_hooks.flush(30)
    assert [request.batch.get("dropped") for request in server.requests] == [None, None]


@pytest.mark.parametrize(
    "answer",
    [b"", b"not json", b"[]", b'{"results": 7}', b'{"results": [7, null]}', b"[" * 100_000, b"x" * 3_000_000, b"\xff"],
)
@pytest.mark.parametrize("headers", [{}, {"Content_Length": "4000000"}, {"Content_Length": "many"}])
def test_an_answer_that_says_nothing_still_means_that_the_batch_was_taken(
    answer: bytes, headers: dict[str, str]
) -> None:
    with playing(taking_with(answer, **headers, Connection="close"), recorded) as server:
        configure(server)
        for text in ("first", "second"):
            api_hooks.enqueue(text)
            assert api_hooks.flush(30)
    assert server.texts == ["first", "second"]
    assert api_hooks.stats().dropped == {}


@pytest.mark.parametrize(
    "play",
    [
        *(status(code) for code in (301, 307, 401, 403, 404, 405, 408, 410, 429, 500, 502, 503, 504)),
        breaking_off,
        not_http,
    ],
)
def test_what_the_server_does_not_take_now_is_sent_again_and_nothing_is_lost(play: Play) -> None:
    with playing(play) as server:
        configure(server)
        api_hooks.enqueue("hello", id="1")
        wait_until(lambda: api_hooks.stats().is_failing)
        assert api_hooks.stats().waiting == 1
        wait_until(lambda: len(server.requests) >= 2)
        server.plays = [recorded]
        wait_until(lambda: api_hooks.stats().sent == 1)
        assert not api_hooks.stats().is_failing
    bodies = {request.body for request in server.requests}
    assert len(bodies) == 1, "what is sent again has to have the same ids"
    assert api_hooks.stats().dropped == {}


@pytest.mark.parametrize("code", [400, 415, 422])
def test_what_the_server_will_never_take_is_dropped_counted_and_told(
    code: int, caplog: pytest.LogCaptureFixture
) -> None:
    with playing(status(code, SENTINEL.encode()), recorded) as server:
        configure(server, flush_seconds=30)
        api_hooks.enqueue("first")
        api_hooks.enqueue("second")
        assert api_hooks.flush(30)
        stats = api_hooks.stats()
        assert (stats.dropped, stats.waiting, stats.is_failing) == ({"refused": 2}, 0, False)
        api_hooks.enqueue("third")
        assert api_hooks.flush(30)
        wait_until(lambda: "refused" in caplog.text)
    assert server.taken[0].batch["dropped"] == {"refused": 2}
    assert f"HTTP {code}" in caplog.text
    assert "AFTERTAG_URL" in caplog.text
    assert SENTINEL not in caplog.text


def test_feedback_that_the_server_rejects_is_not_counted_as_sent() -> None:
    results = {"results": [{"status": "recorded"}, {"status": "rejected", "reason": "no"}]}
    for told in ({**results, "feedback": results}, {"results": None, "feedback": results}):
        rejected = json.dumps(told).encode().count(b"rejected")
        with playing(taking_with(json.dumps(told).encode()), recorded) as server:
            configure(server, flush_seconds=30)
            for number in range(2):
                api_hooks.enqueue("x")
                api_hooks.feedback(str(number), 1.0)
            assert api_hooks.flush(30)
            stats = api_hooks.stats()
        assert len(server.requests) == 1
        assert (stats.accepted, stats.sent, stats.dropped) == (4, 4 - rejected, {"rejected": rejected})


@pytest.mark.parametrize("code", [401, 403])
def test_a_refused_key_is_named_in_the_log_and_never_shown(code: int, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG), playing(status(code)) as server:
        configure(server)
        api_hooks.enqueue("hello")
        wait_until(lambda: "AFTERTAG_KEY" in caplog.text)
        assert f"HTTP {code}: the server refuses the key" in caplog.text
        assert KEY not in caplog.text
        assert api_hooks.stats().waiting == 1
        server.plays = [recorded]
        assert api_hooks.flush(30)


def test_a_redirect_is_not_followed_with_the_key(caplog: pytest.LogCaptureFixture) -> None:
    with playing() as elsewhere, playing(status(308, Location=f"{elsewhere.url}/v1/generations")) as server:
        configure(server)
        api_hooks.enqueue("hello")
        wait_until(lambda: "redirect" in caplog.text)
    assert elsewhere.requests == []
    assert "AFTERTAG_URL" in caplog.text


def test_retry_after_is_honoured_also_by_a_flush() -> None:
    with playing(status(429, Retry_After="30"), recorded) as server:
        configure(server)
        api_hooks.enqueue("hello")
        wait_until(lambda: api_hooks.stats().is_failing)
        assert not api_hooks.flush(1.5)
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("given", "least", "most"),
    [
        (None, 0, 0),
        ("7", 7, 7),
        ("86400", 60, 60),
        ("-3", 0, 0),
        ("soon", 0, 0),
        ("1e400", 0, 0),
        ("9" * 5_000, 0, 60),
        ("Sun, 06 Nov 1994 08:49:37 GMT", 0, 0),
        ("Sun, 06 Nov 2044 08:49:37 GMT", 60, 60),
        ("Sun, 31 Feb 99999 99:99:99 GMT", 0, 0),
    ],
)
def test_a_retry_after_is_seconds_or_a_date_and_at_most_a_minute(given: str | None, least: float, most: float) -> None:
    assert least <= poster.seconds(given) <= most


def test_a_retry_after_may_be_a_moment_not_far_away() -> None:
    before = time()
    waits = poster.seconds(formatdate(before + 30, usegmt=True))  # which leaves out fractions of a second
    assert 29 - (time() - before) <= waits <= 30


@pytest.mark.parametrize("play", [hanging, trickling])
def test_a_server_that_comes_to_no_end_costs_the_sending_thread_its_timeout(
    play: Callable[..., None], caplog: pytest.LogCaptureFixture
) -> None:
    with playing(play, recorded) as server:
        configure(server, socket_timeout_seconds=0.3)
        api_hooks.enqueue("hello")
        wait_until(lambda: "TimeoutError" in caplog.text)
        wait_until(lambda: api_hooks.stats().sent == 1)
    assert len(server.requests) >= 2


def test_losses_arrive_over_http_too() -> None:
    with playing() as server:
        configure(server, buffer_bytes=10_000)
        assert not api_hooks.enqueue("x" * 20_000)
        api_hooks.enqueue("hello")
        assert api_hooks.flush(30)
        api_hooks.enqueue("x" * 20_000)
        assert api_hooks.close(30)
        wait_until(lambda: len(server.requests) == 2)
    assert [request.batch.get("dropped") for request in server.requests] == [{"too_large": 1}, {"too_large": 1}]
