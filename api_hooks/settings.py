"""The hook's settings, one frozen object per process; the only place in the hook that reads the environment."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from api_hooks.errors import SettingsError

URL_VARIABLES = ("AFTERTAG_URL", "AFTERTAG_REDIS_URL")
WORKSPACE_VARIABLE = "AFTERTAG_WORKSPACE"
SCHEMES = ("redis", "rediss")
WHEN_FULL = ("drop_newest", "drop_oldest")

_MEGABYTE = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What `configure` takes. Without a url, generations are dropped and counted as `not_configured`.

    url                      where batches go: redis:// or rediss://; default AFTERTAG_URL, else AFTERTAG_REDIS_URL
    workspace                of generations whose call names none; default AFTERTAG_WORKSPACE
    app                      of generations whose call names none
    buffer_generations       the most that wait in this process, in generations
    buffer_bytes             the same in bytes, estimated from the characters of their texts
    when_full                which generation a full buffer drops: drop_newest (the one that comes) or drop_oldest
    flush_seconds            how long a generation waits for others to share its batch
    exit_seconds             how long the end of the interpreter may wait for the buffer to be sent
    socket_timeout_seconds   how long the sending thread waits for Redis
    max_broker_bytes         the most that may wait in Redis while workers are down; beyond it batches are dropped
    """

    url: str | None = field(default=None, repr=False)
    workspace: str | None = None
    app: str | None = None
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
        workspace = given.get("workspace") or environ.get(WORKSPACE_VARIABLE) or None
        settings = cls(**{**given, "url": url, "workspace": workspace})
        settings._check()
        return settings

    def _check(self) -> None:
        if self.url is not None and (not _is_address(self.url)):
            raise SettingsError(
                "The url has to be one redis:// or rediss:// address, such as redis://localhost:6379/0."
            )
        for name in ("workspace", "app"):
            value = getattr(self, name)
            if value is not None and not isinstance(value, str):
                raise SettingsError(f"{name} has to be text, not {value!r}.")
        if self.when_full not in WHEN_FULL:
            raise SettingsError(f"when_full has to be drop_newest or drop_oldest, not {self.when_full!r}.")
        for name in ("buffer_generations", "buffer_bytes", "max_broker_bytes"):
            if type(getattr(self, name)) is not int or getattr(self, name) < 1:
                raise SettingsError(f"{name} has to be a whole number from 1 on, not {getattr(self, name)!r}.")
        for name, least in (("flush_seconds", 0.01), ("exit_seconds", 0.0), ("socket_timeout_seconds", 0.05)):
            value = getattr(self, name)
            if type(value) not in (int, float) or not least <= value <= 60:
                raise SettingsError(f"{name} has to be a number of seconds from {least:g} to 60, not {value!r}.")


def _is_address(url: object) -> bool:
    # A list of addresses, which kombu would take, has semicolons.
    return isinstance(url, str) and url.partition("://")[0] in SCHEMES and ";" not in url
