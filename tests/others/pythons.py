"""Interpreters with other people's packages, each set apart: some of them cannot stand beside ours, or each other.

`python_with("litellm")` has what `requirements/litellm.txt` names, at the versions that it pins, and finds our packages
in this checkout. It is made once and kept in `.pythons/`; a changed list makes it anew. Where packages cannot be
fetched, its tests skip on a laptop and fail in CI. `python -m tests.others.pythons` makes all of them.
"""

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import time
import venv
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
REQUIREMENTS = Path(__file__).parent / "requirements"
KEPT = ROOT / ".pythons"
INSTALL_SECONDS = 900
LONGEST = "litellm"
"""Its packages take as long as all others together, so that it is begun first."""


class NotInstalledError(Exception):
    """The packages of a list could not be fetched, or not be built."""


def main() -> int:
    """Make every interpreter that is missing, as many at once as there are processors; return how many could not be."""
    names = sorted((wanted.stem for wanted in REQUIREMENTS.glob("*.txt")), key=lambda name: name != LONGEST)
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return sum(pool.map(_could_not_be_made, names))


def _could_not_be_made(name: str) -> bool:
    began = time.monotonic()
    try:
        interpreter(name)
    except NotInstalledError as error:
        print(error, file=sys.stderr, flush=True)
        return True
    print(f"{name}: {time.monotonic() - began:.1f} s", flush=True)
    return False


def python_with(name: str) -> Path:
    """`interpreter`, for a test, which skips without it, and fails in CI."""
    try:
        return interpreter(name)
    except NotInstalledError as error:
        if os.environ.get("CI"):
            raise
        pytest.skip(str(error))


def interpreter(name: str) -> Path:
    """Return the path of the interpreter that has the packages of `requirements/<name>.txt`. Raise NotInstalledError."""
    wanted = REQUIREMENTS / f"{name}.txt"
    digest = hashlib.sha256(wanted.read_bytes() + sys.version.encode()).hexdigest()[:12]
    home = KEPT / f"{name}-{digest}"
    KEPT.mkdir(exist_ok=True)
    with (KEPT / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (home / "is_complete").exists():
            for outdated in KEPT.glob(f"{name}-*"):
                shutil.rmtree(outdated)
            _make(home, wanted)
    return home / "bin" / "python"


def environment(**more: str) -> Mapping[str, str]:
    """What a program started with such an interpreter gets: our packages, nothing of a proxy, and `more`."""
    kept = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
    return {**kept, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1", **more}


def _make(home: Path, wanted: Path) -> None:
    venv.create(home, with_pip=False)  # our own pip does it: to give it one takes longer than most of the lists
    pip = [sys.executable, "-m", "pip", "--python", home / "bin" / "python"]
    # Compiled is what is imported, when it is: of most packages that is little.
    command = [*pip, "install", "--quiet", "--disable-pip-version-check", "--no-compile", "-r", wanted]
    made = subprocess.run(command, capture_output=True, text=True, timeout=INSTALL_SECONDS, check=False)
    if made.returncode != 0:
        raise NotInstalledError(f"{wanted.name} could not be installed: {made.stderr[-2000:]}")
    (home / "is_complete").touch()


if __name__ == "__main__":
    sys.exit(main())
