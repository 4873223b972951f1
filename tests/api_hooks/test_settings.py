"""Where batches go, with which key, and what of the text: what makes sense, and what is named when it does not."""

from typing import Any

import pytest

import api_hooks
from api_hooks.settings import Settings

SERVER = "https://aftertag.example.com"


@pytest.mark.parametrize(
    "url",
    ["http://localhost", "http://127.0.0.1:8080/", SERVER, f"{SERVER}:8443/llm", "https://[::1]:8443", "redis://h/0"],
)
def test_an_address_is_a_redis_or_a_server(url: str) -> None:
    assert Settings.build({"url": url}, {}).url == url


@pytest.mark.parametrize(
    "url",
    [
        "ftp://x", "https://", "https://:443", "https://user:secret@host", f"{SERVER}?key=secret", f"{SERVER}#x",
        "https://host:port", "https://host:99999", "https://a b", "https://a\nb", "https://hö.de", "HTTPS://host",
        "https://[::1", "aftertag.example.com", 7, b"https://host",
    ],
)  # fmt: skip
def test_what_is_no_address_is_refused_and_not_quoted(url: Any) -> None:
    with pytest.raises(api_hooks.SettingsError, match=r"https://aftertag\.example\.com") as refused:
        Settings.build({"url": url}, {})
    assert "secret" not in str(refused.value)


def test_the_key_is_masked_and_comes_from_the_environment_unless_it_is_given() -> None:
    environ = {"AFTERTAG_URL": SERVER, "AFTERTAG_KEY": " of-the-environment\n"}
    settings = Settings.build({}, environ)
    assert settings.key == "of-the-environment"
    assert "of-the-environment" not in repr(settings)
    assert Settings.build({"key": "given"}, environ).key == "given"
    assert Settings.build({}, {}).key is None


def test_the_environment_says_how_long_the_end_may_wait_unless_the_application_does() -> None:
    assert Settings.build({}, {}).exit_seconds == 2
    assert Settings.build({}, {"AFTERTAG_EXIT_SECONDS": "7.5"}).exit_seconds == 7.5
    assert Settings.build({"exit_seconds": 1}, {"AFTERTAG_EXIT_SECONDS": "7.5"}).exit_seconds == 1


@pytest.mark.parametrize("odd", ["soon", "5s", "-1", "61", "nan", "inf"])
def test_an_environment_that_makes_no_sense_of_it_is_told_and_loses_nothing(
    odd: str, caplog: pytest.LogCaptureFixture
) -> None:
    assert Settings.build({}, {"AFTERTAG_URL": SERVER, "AFTERTAG_EXIT_SECONDS": odd}).exit_seconds == 2
    assert "AFTERTAG_EXIT_SECONDS is no number of seconds from 0 to 60" in caplog.text


@pytest.mark.parametrize("key", ["two words", "line\r\nX-Evil: 1", "schlüssel", "k" * 513, 7, b"bytes"])
def test_a_key_that_is_none_is_refused_and_not_quoted(key: Any) -> None:
    with pytest.raises(api_hooks.SettingsError, match="AFTERTAG_KEY") as refused:
        Settings.build({"key": key}, {})
    assert str(key) not in str(refused.value)


def test_the_sending_thread_waits_longer_for_a_server_than_for_redis_unless_it_is_told() -> None:
    assert Settings.build({"url": "redis://h"}, {}).socket_timeout_seconds == 1
    assert Settings.build({"url": SERVER}, {}).socket_timeout_seconds == 20
    assert Settings.build({"url": SERVER, "socket_timeout_seconds": 3}, {}).socket_timeout_seconds == 3


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"redact": "no function"}, "redact has to be a function"),
        ({"sample": 1.1}, "sample has to be a number from 0 to 1"),
        ({"sample": -0.1}, "sample has to be"),
        ({"sample": float("nan")}, "sample has to be"),
        ({"sample": True}, "sample has to be"),
        ({"sample": "0.1"}, "sample has to be"),
        ({"sample_by": "user"}, "sample_by has to be generation or session"),
        ({"sample": 0.1, "url": SERVER}, r"sample needs the workspace's name.*configure\(workspace=…\)"),
    ],
)
def test_what_makes_no_sense_about_text_is_named(given: dict[str, Any], message: str) -> None:
    with pytest.raises(api_hooks.SettingsError, match=message):
        Settings.build(given, {})


def test_sampling_over_http_needs_the_workspaces_name_and_over_redis_each_call_has_one() -> None:
    assert Settings.build({"sample": 0.1, "url": SERVER, "workspace": "acme"}, {}).sample == 0.1
    assert Settings.build({"sample": 1, "url": SERVER}, {}).sample == 1
    assert Settings.build({"sample": 0.1, "url": "redis://h"}, {}).sample == 0.1
