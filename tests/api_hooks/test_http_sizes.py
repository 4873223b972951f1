"""A batch that is too large for the server, and an address where no server is now: what arrives, and what is dropped."""

from typing import Any

import pytest

import api_hooks
from api_hooks.settings import Settings
from tests.api_hooks.http_server import (
    Handler,
    PlayedServer,
    Request,
    playing,
    recorded,
    status,
    taking_at_most,
)
from tests.waiting import wait_until

pytestmark = pytest.mark.usefixtures("closes_the_hook")


def configure(server: PlayedServer, **given: Any) -> Settings:
    return api_hooks.configure(**{"url": server.url, "key": "k", "flush_seconds": 0.01, **given})


def test_a_batch_that_is_too_large_for_the_server_arrives_in_parts() -> None:
    with playing(taking_at_most(3)) as server:
        configure(server, buffer_bytes=30_000, flush_seconds=30)
        assert not api_hooks.enqueue("x" * 40_000)
        for number in range(10):
            api_hooks.enqueue(str(number), id=str(number))
        api_hooks.feedback("0", 1.0, workspace="acme")
        assert api_hooks.flush(30)
        stats = api_hooks.stats()
    assert server.texts == [str(number) for number in range(10)]
    assert [request.batch.get("dropped") for request in server.taken] == [{"too_large": 1}, None, None, None]
    assert sum(len(request.batch.get("feedback", ())) for request in server.taken) == 1
    assert (stats.accepted, stats.sent, stats.waiting, stats.is_failing) == (11, 11, 0, False)


def test_of_a_batch_that_is_too_large_only_a_generation_that_is_so_by_itself_is_dropped(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def taking_small_ones(handler: Handler, request: Request) -> None:
        (status(413) if len(request.body) > 6_000 else recorded)(handler, request)

    with playing(taking_small_ones) as server:
        configure(server, flush_seconds=30)
        for number in range(8):
            api_hooks.enqueue([{"role": "user", "content": "x" * 4_000}] * (5 if number == 3 else 1), id=str(number))
        assert api_hooks.flush(30)
        stats = api_hooks.stats()
        assert (stats.sent, stats.waiting, stats.dropped) == (7, 0, {"refused": 1})
        wait_until(lambda: "HTTP 413" in caplog.text)
    assert [generation["id"] for generation in server.generations] == ["0", "1", "2", "4", "5", "6", "7"]


def test_parts_of_a_batch_wait_while_the_server_is_away() -> None:
    with playing(status(413), status(413), status(503), recorded) as server:
        configure(server, flush_seconds=30, buffer_generations=16)  # half of it hurries: the eighth
        for number in range(8):
            api_hooks.enqueue(str(number))
        wait_until(lambda: api_hooks.stats().is_failing)
        assert api_hooks.stats().waiting == 8
        assert api_hooks.flush(30)
    assert server.texts == [str(number) for number in range(8)]
    assert api_hooks.stats().sent == 8


@pytest.mark.parametrize("code", [404, 405, 410])
def test_an_address_where_no_server_is_now_is_named_in_the_log(code: int, caplog: pytest.LogCaptureFixture) -> None:
    with playing(status(code)) as server:
        configure(server)
        api_hooks.enqueue("hello")
        wait_until(lambda: f"HTTP {code}: there is no server of ours at AFTERTAG_URL" in caplog.text)
