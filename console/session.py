"""Where a command finds what it works on: settings, the database, Redis, the configured endpoints."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from console.errors import NothingRunningError

if TYPE_CHECKING:
    from classifier_models.endpoints import Endpoint
    from worker.embedded import Running
    from worker.settings import Settings
    from worker.store.connecting import Engine


def settings() -> "Settings":
    """Read the settings from the environment. Raise SettingsError naming the variable that is unusable."""
    from worker.settings import Settings

    return Settings.from_environment(os.environ)


def endpoints() -> "dict[str, Endpoint]":
    """Return the configured endpoints by name, the preferred first, `local` last."""
    from classifier_models import endpoints as configured

    return configured.from_environment(os.environ)


def running() -> "Running | None":
    """Return the embedded services that run in the data directory, or None."""
    from worker import embedded

    return embedded.running_at(settings().data_dir)


def database_url() -> str:
    """Return the address in AFTERTAG_DATABASE_URL, else the embedded one's. Raise NothingRunningError."""
    if given := settings().database_url:
        return given.get_secret_value()
    if found := running():
        return found.database_url
    raise _nothing_running("DATABASE")


def redis_url() -> str:
    """Return the address in AFTERTAG_REDIS_URL, else the embedded one's. Raise NothingRunningError."""
    if given := settings().redis_url:
        return given.get_secret_value()
    if found := running():
        return found.redis_url
    raise _nothing_running("REDIS")


@contextmanager
def engine(*, migrated: bool = True) -> "Iterator[Engine]":
    """Yield an engine for the length of a command.

    Raise NothingRunningError without a database, SchemaOutdatedError unless it is at this release's revision
    (`migrated=False` does not look).
    """
    from worker.store import engine as engines
    from worker.store import migrations

    found = engines.connect(database_url(), application="aftertag console", connections=2)
    try:
        if migrated:
            migrations.require_current(found)
        yield found
    finally:
        found.dispose()


def _nothing_running(service: str) -> NothingRunningError:
    return NothingRunningError(f"Nothing is running; run `aftertag up`, or set AFTERTAG_{service}_URL.")
