"""The source of openai-python as PyPI has it, with its tests: fetched when a test asks, kept in `.pythons/`, never ours."""

import fcntl
import os
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from tests.others.pythons import KEPT, REQUIREMENTS, environment

SECONDS = 600


def version_of(name: str) -> str:
    """The version of openai that `requirements/<name>.txt` pins."""
    lines = (REQUIREMENTS / f"{name}.txt").read_text().splitlines()
    return next(line.rpartition("==")[2] for line in lines if line.startswith("openai"))


def source_of(version: str) -> Path:
    """Return the folder of that version's source."""
    home = KEPT / "sources" / f"openai-{version}"
    home.parent.mkdir(parents=True, exist_ok=True)
    with (home.parent / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not home.exists():
            _fetch(version, home)
    return home


def _fetch(version: str, home: Path) -> None:
    wanted = ["--no-deps", "--no-binary", "openai", f"openai=={version}", "--dest", home.parent]
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", *wanted]
    fetched = subprocess.run(command, env=environment(), capture_output=True, text=True, timeout=SECONDS, check=False)
    if fetched.returncode:
        problem = f"openai's source could not be fetched: {fetched.stderr[-2000:]}"
        if os.environ.get("CI"):
            pytest.fail(problem)
        pytest.skip(problem)
    with tarfile.open(home.parent / f"openai-{version}.tar.gz") as archive:
        archive.extractall(home.parent, filter="data")
