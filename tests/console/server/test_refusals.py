"""Refused requests of senders that do not send them again: the operator sees how many, and why; others hear it themselves."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import Engine

from tests.console.server.conftest import tenant_in
from tests.console.server.serving import Caller, Server, caller, said, serving
from tests.console.server.test_bodies import refused
from tests.console.server.test_litellm import call
from tests.waiting import wait_until
from tests.worker.line_stage import rows
from worker.store import engine as engines

LOSSES = "select reason, generations from losses order by reason"
LITELLM, TRACES = "/v1/litellm", "/v1/traces"


@pytest.fixture
def own_engine(database_url: str) -> Iterator[Engine]:
    """Losses are the server's, whosever they are: each test has a database of its own."""
    with engines.connecting(database_url) as engine:
        yield engine


@pytest.fixture
def strict(database_url: str, folder: Path) -> Iterator[Server]:
    limits = {"http_body_bytes": "20000", "http_generations": "3", "http_generations_per_minute": "20"}
    with serving(database_url, None, folder, **limits) as made:
        yield made


@pytest.fixture
def shop(strict: Server, own_engine: Engine) -> Iterator[Caller]:
    with caller(strict, tenant_in(own_engine).token) as made:
        yield made


def wait_for_losses(engine: Engine, **wanted: int) -> None:
    def losses() -> bool:
        return dict(rows(engine, LOSSES)) == {f"requests_{code}": count for code, count in wanted.items()}

    wait_until(losses, what=f"losses {wanted}")


def test_what_a_litellm_proxy_drops_because_it_is_refused_is_counted_and_told(
    strict: Server, shop: Caller, own_engine: Engine
) -> None:
    large = [call(1, messages=[{"role": "user", "content": "x" * 20_000}])]
    assert [shop.post(large, LITELLM).status_code for _ in range(3)] == [413] * 3
    assert shop.post([call(number) for number in range(4)], LITELLM).status_code == 413
    assert shop.post(b"[1", LITELLM).status_code == 400
    wait_for_losses(own_engine, too_large=4, bad_request=1)
    told = [json.loads(line) for line in strict.log.splitlines() if "may not send again" in line]
    assert [(one["way"], one["status"]) for one in told] == [("litellm", 413), ("litellm", 400)]
    assert "AFTERTAG_HTTP_BODY_BYTES" in told[0]["why"]
    assert "DEFAULT_BATCH_SIZE" in shop.post(large, LITELLM).json()["error"]["message"]


def test_a_litellm_proxy_over_its_rate_is_told_what_it_comes_again_after_and_counted(
    shop: Caller, own_engine: Engine
) -> None:
    assert shop.post(b"[1", LITELLM).status_code == 400
    while (answer := shop.post([call(number) for number in range(3)], LITELLM)).status_code == 200:
        pass
    assert "a minute" in refused(answer, 503, "too_many")
    assert int(answer.headers["retry-after"]) >= 1
    wait_for_losses(own_engine, bad_request=1, too_many=1)


def test_an_exporter_comes_again_after_429_and_drops_what_is_too_large(shop: Caller, own_engine: Engine) -> None:
    assert shop.post(b" " * 20_001, TRACES).status_code == 413
    while (answer := shop.post({}, TRACES)).status_code == 200:
        pass
    assert answer.status_code == 429
    more = sum(status == 413 for status in iter(lambda: shop.post(b" " * 20_001, TRACES).status_code, 429))
    wait_for_losses(own_engine, too_large=1 + more)


def test_a_key_that_does_not_count_loses_requests_and_one_that_is_none_of_ours_counts_nothing(
    strict: Server, own_engine: Engine
) -> None:
    def post(token: str | None) -> httpx.Response:
        with caller(strict, token) as one:
            return one.post([call(1)], LITELLM)

    tokens: tuple[Any, ...] = ("sk-somebody's", None, "atk_mistyped", "sk-somebody's")
    assert [post(token).status_code for token in tokens] == [401] * 4
    wait_for_losses(own_engine, unauthorized=1)


def test_who_reads_the_answer_loses_nothing(strict: Server, shop: Caller, own_engine: Engine) -> None:
    assert shop.post([said()] * 4).status_code == 413
    assert shop.post(b"[1", LITELLM).status_code == 400  # so that there is something to wait for
    wait_for_losses(own_engine, bad_request=1)


def test_what_was_counted_last_is_written_when_the_server_ends(
    strict: Server, shop: Caller, own_engine: Engine
) -> None:
    assert shop.post(b"[1", LITELLM).status_code == 400
    strict.ask_to_end()
    assert strict.child.wait(30) == 0, strict.log
    assert rows(own_engine, LOSSES) == [("requests_bad_request", 1)]
