"""The one command: `python -m tests [pytest arguments]` checks format, lint, types and imports, then runs the tests.

Every static check runs even if another one failed; the tests run only when all of them passed. Without arguments all tests
run side by side, by `-n auto`; with arguments of one's own one after the other, unless `-n` is among them.
"""

import subprocess
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).parents[1]
STATIC_CHECKS = {
    "format": ("ruff", "format", "--check", "."),
    "lint": ("ruff", "check", "."),
    "types": ("mypy",),
    "imports": ("lint-imports",),
}
SIDE_BY_SIDE = ("-n", "auto")


def main(pytest_arguments: Sequence[str]) -> int:
    """Return 0 when everything passed, otherwise the exit code of the first step that did not."""
    steps = {name: _program(*command) for name, command in STATIC_CHECKS.items()}
    if not pytest_arguments:  # all tests: nobody's first use of an interpreter falls into a test's timeout
        steps["others"] = [sys.executable, "-m", "tests.others.pythons"]
    with ThreadPoolExecutor(len(steps)) as pool:
        codes = dict(zip(steps, pool.map(_told_at_its_end, steps, steps.values()), strict=True))
    if failed := next(filter(None, (codes[name] for name in STATIC_CHECKS)), 0):
        return failed
    return _run("tests", [sys.executable, "-m", "pytest", *(pytest_arguments or SIDE_BY_SIDE)])


def _program(name: str, *arguments: str) -> list[str]:
    return [str(Path(sys.executable).parent / name), *arguments]


def _told_at_its_end(name: str, command: Sequence[str]) -> int:
    """Run a step beside others; what it writes is shown in one piece."""
    started = time.monotonic()
    ran = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    print(f"{_shown(name, command)}\n{ran.stdout}{_ended(name, ran.returncode, started)}", flush=True)
    return ran.returncode


def _run(name: str, command: Sequence[str]) -> int:
    print(_shown(name, command), flush=True)
    started = time.monotonic()
    code = subprocess.run(command, cwd=ROOT, check=False).returncode
    print(_ended(name, code, started), flush=True)
    return code


def _shown(name: str, command: Sequence[str]) -> str:
    return f"== {name}: {' '.join((Path(command[0]).name, *command[1:]))}"


def _ended(name: str, code: int, started: float) -> str:
    return f"== {name}: {'passed' if code == 0 else f'failed ({code})'} in {time.monotonic() - started:.1f} s"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
