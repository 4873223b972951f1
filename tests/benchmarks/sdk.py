"""What capturing adds to a chat completion through OpenAI's SDK: our hook, Langfuse's wrapper, PostHog's; and nothing.

Each way beside plain calls in the same process, the ways in random order in each round, against a model server and a sink
in processes of their own. At 1 call at a time the model answers at once, in blocks of 200 calls of one way, so that what
its threads do meets its own calls. At 10 and 100 the model takes 0.1 and 1 second, as models do, 100 calls a second, and
each call goes one way or the other by chance.
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
LEVELS = {1: ("0", 40), 10: ("0.1", 30), 100: ("1.0", 30)}
OURS, OTHERS = "hook", ("langfuse", "posthog", "again")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--share", type=float, default=1.0, help="of the 30 or 40 rounds that are made at each level")


def run(arguments: argparse.Namespace) -> dict[str, object]:
    """Return microseconds of the plain calls beside the hook's, and added to their median and 99th percentile by each way.

    `cpu` is what the calling thread itself computes more, at the median: other programs on the machine do not blur it.
    `again` compares plain calls with plain calls.
    """
    levels = ",".join(
        f"{many}:{wait}:{max(1, int(rounds * arguments.share))}" for many, (wait, rounds) in LEVELS.items()
    )
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


def _figures(measured: dict[str, list[dict[str, list[list[list[float]]]]]]) -> dict[str, object]:
    figures: dict[str, object] = {}
    for many, rounds in measured.items():
        for way in (OURS, *OTHERS):
            prefix = "" if way == OURS else f"{way}_"
            without, with_it = ([call for one in rounds for call in one[way][which]] for which in (0, 1))
            if way == OURS:
                figures |= {f"plain_p{percent}_us_{many}": round(_us(without, percent)) for percent in (50, 99)}
            for percent in (50, 99):
                figures[f"{prefix}p{percent}_added_us_{many}"] = round(_us(with_it, percent) - _us(without, percent))
            figures[f"{prefix}cpu_added_us_{many}"] = round(_us(with_it, 50, cpu=True) - _us(without, 50, cpu=True))
    return figures


def _us(calls: list[list[float]], percent: int, *, cpu: bool = False) -> float:
    ordered = sorted(call[1 if cpu else 0] for call in calls)
    return ordered[min(len(ordered) - 1, len(ordered) * percent // 100)] * 1e6


@contextmanager
def _serving(module: str) -> Iterator[str]:
    with subprocess.Popen([sys.executable, "-m", module], cwd=ROOT, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        port = json.loads(server.stdout.readline())["port"]
        try:
            yield f"http://127.0.0.1:{port}"
        finally:
            server.terminate()
