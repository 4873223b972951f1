"""What the log says of a way out that does not work: where, why, what to look at, and no password."""

import logging

import pytest

import api_hooks
from api_hooks.unreached import words_for
from tests.waiting import wait_until
from worker.embedded.redis_server import RedisServer

pytestmark = pytest.mark.usefixtures("closes_the_hook")


def told(url: str, caplog: pytest.LogCaptureFixture) -> str:
    """What the log says once sending one generation there has failed."""
    caplog.set_level(logging.WARNING, "aftertag")
    api_hooks.configure(url=url, workspace="acme", flush_seconds=0.01, exit_seconds=0.0, socket_timeout_seconds=30)
    api_hooks.enqueue("hello")
    wait_until(lambda: "Generations wait" in caplog.text)
    return caplog.text


@pytest.mark.parametrize("scheme", ["redis", "http"])
def test_nobody_listening_is_told_with_the_address(scheme: str, caplog: pytest.LogCaptureFixture) -> None:
    text = told(f"{scheme}://{'user:SENTINEL@' * (scheme == 'redis')}127.0.0.1:1", caplog)
    assert "ConnectionRefusedError at 127.0.0.1:1 (nothing listens there)" in text
    assert "SENTINEL" not in text


def test_a_wrong_password_is_told_as_that(own_redis: RedisServer, caplog: pytest.LogCaptureFixture) -> None:
    port = own_redis.url.rpartition(":")[2]
    text = told(f"redis://:SENTINEL@127.0.0.1:{port}", caplog)
    assert "(it refuses the user or password in AFTERTAG_URL)" in text
    assert "SENTINEL" not in text


def test_a_host_that_nobody_knows_is_told_as_that(caplog: pytest.LogCaptureFixture) -> None:
    assert "gaierror at nowhere.invalid:443 (no such host is known)" in told("https://nowhere.invalid", caplog)


def test_what_is_not_known_is_told_by_its_kind() -> None:
    assert words_for(KeyError("SENTINEL"), "redis://me:SENTINEL@there") == "KeyError at there:6379"
    assert words_for(ModuleNotFoundError("redis"), "redis://there") == (
        "ModuleNotFoundError at there:6379 (a package that sending needs is missing in this interpreter: `pip install aftertag`)"
    )
    assert words_for(KeyError("SENTINEL"), "redis://there:port") == "KeyError at there"
