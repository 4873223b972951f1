"""How much text one thread renders per second: cut, made safe against forged turns, joined. Counted after cutting.

`mb_per_second` is ordinary chat text (mostly prose, some code, now and then another language); each other kind of text
stands beside it, and `worst_mb_per_second` is the slowest of them all. A megabyte is a million bytes of UTF-8, a second
one of the thread's CPU: rendering waits for nothing, and who else uses the machine is not its matter.
"""

import argparse
import time
from statistics import median
from typing import Any

from tests.benchmarks.stage import texts
from worker import transcript

TITLE = "Rendering transcripts, one thread"
CONVERSATIONS = 300
CHARACTERS = 8_000
UNBOUNDED = 10**9


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--rounds", type=int, default=7, help="the median of so many is the figure")


def run(arguments: argparse.Namespace) -> dict[str, object]:
    """Return megabytes per second for ordinary text, for the worst kind, and for each."""
    ordinary = [texts.turns(CHARACTERS, seed=seed) for seed in range(CONVERSATIONS)]
    # Only the first 5,000 characters of a turn are rendered, and only they count.
    ordinary += [[["user", texts.mixed(12_000, seed=seed), None, None]] for seed in range(CONVERSATIONS // 10)]
    by_kind = {
        kind: _mb_per_second(
            [[["user", texts.text(kind, 4_000, seed=seed), None, None]] for seed in range(CONVERSATIONS)],
            rounds=arguments.rounds,
        )
        for kind in texts.KINDS
    }
    return {
        "mb_per_second": _mb_per_second(ordinary, rounds=arguments.rounds),
        "worst_mb_per_second": min(by_kind.values()),
        **{f"{kind}_mb_per_second": figure for kind, figure in by_kind.items()},
    }


def _mb_per_second(conversations: list[list[list[Any]]], *, rounds: int) -> float:
    seconds = []
    rendered_bytes = sum(len(_render(turns).encode()) for turns in conversations)
    for _ in range(rounds):
        start = time.thread_time()
        for turns in conversations:
            _render(turns)
        seconds.append(time.thread_time() - start)
    return round(rendered_bytes / 1e6 / median(seconds), 1)


def _render(turns: list[list[Any]]) -> str:
    return transcript.render(turns, (), left_out=0, prompts_only=False, characters=UNBOUNDED).text
