"""The one command: `python -m tests [pytest arguments]` checks format, lint, types and imports, then runs the tests.

Every static check runs even if an earlier one failed; the tests run only when all of them passed.
"""

import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).parents[1]
STATIC_CHECKS = {
    "format": ("ruff", "format", "--check", "."),
    "lint": ("ruff", "check", "."),
    "types": ("mypy",),
    "imports": ("lint-imports",),
}


def main(pytest_arguments: Sequence[str]) -> int:
    """Return 0 when everything passed, otherwise the exit code of the first step that did not."""
    codes = [_run(name, _program(*command)) for name, command in STATIC_CHECKS.items()]
    if failed := next(filter(None, codes), 0):
        return failed
    if not pytest_arguments:  # all tests: nobody's first use of an interpreter falls into a test's timeout
        _run("others", [sys.executable, "-m", "tests.others.pythons"])
    return _run("tests", [sys.executable, "-m", "pytest", *pytest_arguments])


def _program(name: str, *arguments: str) -> list[str]:
    return [str(Path(sys.executable).parent / name), *arguments]


def _run(name: str, command: Sequence[str]) -> int:
    print(f"== {name}: {' '.join((Path(command[0]).name, *command[1:]))}", flush=True)
    started = time.monotonic()
    code = subprocess.run(command, cwd=ROOT, check=False).returncode
    print(
        f"== {name}: {'passed' if code == 0 else f'failed ({code})'} in {time.monotonic() - started:.1f} s", flush=True
    )
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
