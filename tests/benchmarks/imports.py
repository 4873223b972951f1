"""What `import api_hooks` adds to a fresh interpreter: the median over pairs of interpreters, with it and without."""

import argparse
import subprocess
import sys
import time
from pathlib import Path
from statistics import median

TITLE = "Importing the hook, over a bare interpreter"
ROOT = Path(__file__).parents[2]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--pairs", type=int, default=15, help="how many pairs of interpreters")


def run(arguments: argparse.Namespace) -> dict[str, object]:
    """Return milliseconds."""
    _seconds("import api_hooks")  # compiles
    bare, hook = [], []
    for _ in range(arguments.pairs):
        bare.append(_seconds("pass"))
        hook.append(_seconds("import api_hooks"))
    differences = [with_it - without for with_it, without in zip(hook, bare, strict=True)]
    return {
        "api_hooks_ms": round(median(differences) * 1000, 1),
        "bare_interpreter_ms": round(median(bare) * 1000, 1),
    }


def _seconds(code: str) -> float:
    before = time.perf_counter()
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)
    return time.perf_counter() - before
