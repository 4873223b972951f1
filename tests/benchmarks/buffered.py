"""What 10,000 generations of 20 KB cost in memory while they wait in the hook's buffer, because nothing takes them.

Each is 20 turns of 1 KB that the application makes and lets go of. Beside it, the plain design: a list of deep copies.
Each design fills an interpreter of its own, in turns, and the middle of three readings counts. Strings are copied by
neither, since they cannot change, so most of what both keep are the texts themselves.
"""

import argparse
import copy
import json
import subprocess
import sys
import time
from pathlib import Path
from statistics import median
from typing import Any

import psutil

import api_hooks

TITLE = "Generations of 20 KB that wait in the buffer"
ROOT = Path(__file__).parents[2]
NOWHERE = "http://127.0.0.1:1"
TURNS = 20
CHARACTERS = 1_000
ROUNDS = 3


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--generations", type=int, default=10_000, help="how many wait")


def run(arguments: argparse.Namespace) -> dict[str, object]:
    """Return megabytes (a million bytes) of resident memory that were added, and the hook's own estimate of them."""
    readings: dict[str, list[dict[str, float]]] = {"hook": [], "plain": []}
    for _ in range(ROUNDS):
        for design, kept in readings.items():
            kept.append(_in_an_interpreter_of_its_own(design, arguments.generations))
    hook, plain = (median(one["growth_mb"] for one in readings[design]) for design in ("hook", "plain"))
    return {
        "generations": arguments.generations,
        "texts_mb": round(arguments.generations * TURNS * CHARACTERS / 1e6, 1),
        "hook_mb": round(hook, 1),
        "plain_mb": round(plain, 1),
        "share_of_plain": round(hook / plain, 3),
        "estimated_mb": round(median(one["estimated_mb"] for one in readings["hook"]), 1),
    }


def fill(design: str, generations: int) -> None:
    """In the interpreter of its own: fill memory, and print what that took."""
    keep = _hook(generations) if design == "hook" else _plain()
    keep(_messages(0))
    before = psutil.Process().memory_info().rss
    for number in range(generations):
        keep(_messages(number))
    growth = psutil.Process().memory_info().rss - before
    print(json.dumps({"growth_mb": growth / 1e6, "estimated_mb": api_hooks.stats().waiting_bytes / 1e6}))


def _in_an_interpreter_of_its_own(design: str, generations: int) -> dict[str, float]:
    program = f"from tests.benchmarks import buffered; buffered.fill({design!r}, {generations})"
    ended = subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=True, capture_output=True, text=True)
    measured: dict[str, float] = json.loads(ended.stdout)
    return measured


def _messages(number: int) -> list[dict[str, Any]]:
    text = f"{number:06d} " + "The quick brown fox jumps over the lazy dog. " * 23
    return [
        {"role": "user" if turn % 2 else "assistant", "content": f"{turn} {text}"[:CHARACTERS]} for turn in range(TURNS)
    ]


def _hook(generations: int) -> Any:
    api_hooks.configure(
        url=NOWHERE, workspace="bench", buffer_generations=generations + 1, buffer_bytes=10**10, exit_seconds=0.0
    )
    api_hooks.enqueue("first")
    while not api_hooks.stats().is_failing:  # the thread runs, and has loaded what it sends with
        time.sleep(0.01)

    def keep(messages: list[dict[str, Any]]) -> None:
        assert api_hooks.enqueue(messages, model="gpt-5-mini", user="u-17", session_id="s-1"), "the buffer is too small"

    return keep


def _plain() -> Any:
    kept: list[Any] = []

    def keep(messages: list[dict[str, Any]]) -> None:
        kept.append(copy.deepcopy({"messages": messages, "model": "gpt-5-mini", "user": "u-17", "session_id": "s-1"}))

    return keep
