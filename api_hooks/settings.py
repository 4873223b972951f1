"""The hook's settings, one frozen object per process; the only place in the hook that reads the environment."""

import logging
import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, fields
from typing import Any
from urllib.parse import urlsplit

from api_hooks.errors import SettingsError

logger = logging.getLogger("aftertag")

URL_VARIABLES = ("AFTERTAG_URL", "AFTERTAG_REDIS_URL")
KEY_VARIABLE = "AFTERTAG_KEY"
WORKSPACE_VARIABLE = "AFTERTAG_WORKSPACE"
EXIT_VARIABLE = "AFTERTAG_EXIT_SECONDS"
REDIS_SCHEMES = ("redis", "rediss")
HTTP_SCHEMES = ("http", "https")
WHEN_FULL = ("drop_newest", "drop_oldest")
SAMPLE_BY = ("generation", "session")
HTTP_TIMEOUT_SECONDS = 20.0
"""More than the 15 s for which a server tries to record before it says that it cannot."""

LONGEST_SECONDS = 60

_KEY_CHARACTERS = 512
_MEGABYTE = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What `configure` takes. Without a url, generations are dropped and counted as `not_configured`.

    url                      where batches go: redis:// or rediss://, or a server's http:// or https:// address, the last
                             also through HTTPS_PROXY; default AFTERTAG_URL, else AFTERTAG_REDIS_URL
    key                      the server's ingest key, for http:// and https://; default AFTERTAG_KEY
    workspace                of generations whose call names none; default AFTERTAG_WORKSPACE; a server knows it by the key
    app                      of generations whose call names none
    redact                   called with a turn's text on the sending thread, returns the text to send; see api_hooks.redacting
    sample                   the share of generations whose text is sent, 0 to 1; all are counted, with usage and cost
    sample_by                what is sampled: each generation, or whole sessions
    buffer_generations       the most that wait in this process, in generations
    buffer_bytes             the same in bytes, estimated from the characters of their texts; an SDK's last responses, at
                             most 32, are kept beside it until the sending thread takes them in
    when_full                which generation a full buffer drops: drop_newest (the one that comes) or drop_oldest
    flush_seconds            how long a generation waits for others to share its batch
    exit_seconds             how long the end of the interpreter may wait for the buffer to be sent; default
                             AFTERTAG_EXIT_SECONDS, else 2: less than the platform gives a process that is told to end
    socket_timeout_seconds   how long the sending thread waits for Redis (1) or for the server (20); a fork of this process
                             waits for it while Redis hangs, once per attempt, at most 10 s; for a server it does not
    max_broker_bytes         the most that may wait in Redis while workers are down; beyond it batches are dropped
    """

    url: str | None = field(default=None, repr=False)
    key: str | None = field(default=None, repr=False)
    workspace: str | None = None
    app: str | None = None
    redact: Callable[[str], str] | None = field(default=None, repr=False)
    sample: float = 1.0
    sample_by: str = "generation"
    buffer_generations: int = 10_000
    buffer_bytes: int = 64 * _MEGABYTE
    when_full: str = "drop_newest"
    flush_seconds: float = 0.2
    exit_seconds: float = 2.0
    socket_timeout_seconds: float = 1.0
    max_broker_bytes: int = 256 * _MEGABYTE

    @classmethod
    def build(cls, given: Mapping[str, Any], environ: Mapping[str, str] | None = None) -> "Settings":
        """Return what is given, and what the environment says. Raise SettingsError for what makes no sense."""
        known = [setting.name for setting in fields(cls)]
        unknown = sorted(set(given) - set(known))
        if unknown:
            raise SettingsError(f"There is no setting {unknown[0]!r}; there are {', '.join(known)}.")
        environ = os.environ if environ is None else environ
        url = given.get("url") or next(filter(None, map(environ.get, URL_VARIABLES)), None)
        key = given.get("key") or environ.get(KEY_VARIABLE) or None
        chosen = {
            **given,
            "url": url,
            "key": key.strip() if isinstance(key, str) else key,
            "workspace": given.get("workspace") or environ.get(WORKSPACE_VARIABLE) or None,
        }
        if (said := environ.get(EXIT_VARIABLE)) and (seconds := _seconds_in(said)) is not None:
            chosen.setdefault("exit_seconds", seconds)
        if _scheme(url) in HTTP_SCHEMES:
            chosen.setdefault("socket_timeout_seconds", HTTP_TIMEOUT_SECONDS)
        settings = cls(**chosen)
        settings._check()
        return settings

    @property
    def is_http(self) -> bool:
        """Whether batches go to a server."""
        return _scheme(self.url) in HTTP_SCHEMES

    @property
    def needs_workspace(self) -> bool:
        """Whether every generation has to name its workspace, or have it from here; a server knows it by the key."""
        return _scheme(self.url) in REDIS_SCHEMES

    def _check(self) -> None:
        _check_address(self.url)
        _check_key(self.key)
        for name in ("workspace", "app"):
            value = getattr(self, name)
            if value is not None and not isinstance(value, str):
                raise SettingsError(f"{name} has to be text, not {value!r}.")
        self._check_text_settings()
        for name, known in (("when_full", WHEN_FULL), ("sample_by", SAMPLE_BY)):
            if getattr(self, name) not in known:
                raise SettingsError(f"{name} has to be {' or '.join(known)}, not {getattr(self, name)!r}.")
        for name in ("buffer_generations", "buffer_bytes", "max_broker_bytes"):
            if type(getattr(self, name)) is not int or getattr(self, name) < 1:
                raise SettingsError(f"{name} has to be a whole number from 1 on, not {getattr(self, name)!r}.")
        for name, least in (("flush_seconds", 0.01), ("exit_seconds", 0.0), ("socket_timeout_seconds", 0.05)):
            value = getattr(self, name)
            if type(value) not in (int, float) or not least <= value <= LONGEST_SECONDS:
                raise SettingsError(
                    f"{name} has to be a number of seconds from {least:g} to {LONGEST_SECONDS}, not {value!r}."
                )

    def _check_text_settings(self) -> None:
        if self.redact is not None and not callable(self.redact):
            raise SettingsError(f"redact has to be a function from text to text, not {type(self.redact).__name__}.")
        if type(self.sample) not in (int, float) or not 0 <= self.sample <= 1:
            raise SettingsError(f"sample has to be a number from 0 to 1, not {self.sample!r}.")
        if self.sample < 1 and self.is_http and self.workspace is None:
            raise SettingsError("sample needs the workspace's name, which is part of the draw: configure(workspace=…).")


def _seconds_in(said: str) -> float | None:
    """What AFTERTAG_EXIT_SECONDS says; where that makes no sense the log says so, and nothing is lost over it."""
    with suppress(ValueError):
        if 0 <= (seconds := float(said)) <= LONGEST_SECONDS:
            return seconds
    logger.warning(
        "%s is no number of seconds from 0 to %d; the hook takes its default.", EXIT_VARIABLE, LONGEST_SECONDS
    )
    return None


def _check_address(url: object) -> None:
    # A list of addresses, which kombu would take, has semicolons.
    if url is None or (_scheme(url) in REDIS_SCHEMES and ";" not in str(url)):
        return
    if _scheme(url) not in HTTP_SCHEMES:
        raise SettingsError(
            "The url has to be one address: redis:// or rediss://, such as redis://localhost:6379/0, or a server's, "
            "such as https://aftertag.example.com."
        )
    if not _is_server(str(url)):
        raise SettingsError(
            "A server's url is a host, perhaps a port and a path, such as https://aftertag.example.com/llm; "
            "the key has a setting of its own, AFTERTAG_KEY."
        )


def _is_server(url: str) -> bool:
    try:
        parts = urlsplit(url)
        is_plain = parts.port != 0 and not (parts.query or parts.fragment or "@" in parts.netloc)
    except ValueError:
        return False
    return is_plain and bool(parts.hostname) and url.isascii() and url.isprintable() and " " not in url


def _check_key(key: object) -> None:
    is_key = isinstance(key, str) and 0 < len(key) <= _KEY_CHARACTERS and key.isascii() and key.isprintable()
    if key is not None and not (is_key and " " not in str(key)):
        raise SettingsError("The key (AFTERTAG_KEY) has to be one word of ASCII, as `aftertag key create` printed it.")


def _scheme(url: object) -> str:
    return url.partition("://")[0] if isinstance(url, str) and "://" in url else ""
