"""What capturing adds to a chat completion through OpenAI's SDK: our hook, Langfuse's wrapper, PostHog's; and none.

All four in one process, call by call in random order, against a model server and a sink in processes of their own. At 1
call at a time the model answers at once; at 10 and 100 after 0.1 and 1 second, as models do: 100 a second each. What a
way does later, on its threads, falls on the others' calls as well: p99 is shared more than p50 is.
"""

import argparse
import json
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager

from tests.others.pythons import ROOT, environment, python_with

TITLE = "Added to a chat completion through OpenAI's SDK"
LEVELS = {1: ("0", 2_000), 10: ("0.1", 1_000), 100: ("1.0", 1_000)}
OURS, THEIRS = "hook", ("langfuse", "posthog")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--share", type=float, default=1.0, help="of the calls that are made: 2,000, 1,000 and 1,000")


def run(arguments: argparse.Namespace) -> dict[str, object]:
    """Return microseconds added: at the median, over pairs of calls that followed each other, and to the 99th percentile.

    `cpu` is what the calling thread itself computes more, at the median: other programs on the machine do not blur it.
    """
    levels = ",".join(f"{many}:{wait}:{int(count * arguments.share)}" for many, (wait, count) in LEVELS.items())
    with _serving("tests.others.provider") as model_url, _serving("tests.benchmarks.stage.sink") as sink_url:
        program = [python_with("sdk_wrappers"), "-m", "tests.benchmarks.stage.sdk_calls"]
        given = ["--model-url", model_url, "--sink-url", sink_url, "--levels", levels]
        ran = subprocess.run(
            [*program, *given], cwd=ROOT, env=environment(), capture_output=True, text=True, check=False
        )
        assert ran.returncode == 0, ran.stderr[-3_000:]
        with urllib.request.urlopen(sink_url + "/seen") as seen:  # noqa: S310
            captured = json.load(seen)
    assert len(captured) >= 3, f"not every way captured: {captured}"
    return _figures(json.loads(ran.stdout.splitlines()[-1])["seconds"])


def _figures(seconds: dict[str, list[dict[str, list[float]]]]) -> dict[str, object]:
    figures: dict[str, object] = {}
    for many, rounds in seconds.items():
        plain = [one["plain"][0] for one in rounds]
        figures |= {f"plain_p50_us_{many}": _us(plain, 50), f"plain_p99_us_{many}": _us(plain, 99)}
        for way in (OURS, *THEIRS):
            prefix = "" if way == OURS else f"{way}_"
            figures[f"{prefix}p50_added_us_{many}"] = _us([one[way][0] - one["plain"][0] for one in rounds], 50)
            figures[f"{prefix}p99_added_us_{many}"] = _us([one[way][0] for one in rounds], 99) - _us(plain, 99)
            figures[f"{prefix}cpu_added_us_{many}"] = _us([one[way][1] - one["plain"][1] for one in rounds], 50)
    return figures


def _us(seconds: list[float], percent: int) -> int:
    ordered = sorted(seconds)
    return round(ordered[min(len(ordered) - 1, len(ordered) * percent // 100)] * 1e6)


@contextmanager
def _serving(module: str) -> Iterator[str]:
    with subprocess.Popen([sys.executable, "-m", module], cwd=ROOT, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        port = json.loads(server.stdout.readline())["port"]
        try:
            yield f"http://127.0.0.1:{port}"
        finally:
            server.terminate()
