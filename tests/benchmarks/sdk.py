"""What capturing adds to a chat completion through OpenAI's SDK: our hook, Langfuse's wrapper, PostHog's; and nothing.

Each way beside plain calls in the same process, in blocks in random order, against a model server and a sink in processes
of their own. At 1, 10 and 100 calls at once the model takes as long as makes that 25 calls a second, and each call goes
plain or the one way by chance: what the machine does meanwhile, which is more than what is measured, meets both alike.
`back_to_back` is 1 call at a time to a model that answers at once, first calls of one way only, then of the other: what
the way's threads compute meets its own calls then, as they never wait.
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
OURS, OTHERS = "hook", ("langfuse", "posthog", "again")
ROUNDS = 4


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="each takes about 12 minutes")
    parser.add_argument("--calls", type=int, default=500, help="of a block, of which a round has 40")


def run(arguments: argparse.Namespace) -> dict[str, object]:
    """Return microseconds of the plain calls beside the hook's, and added to their median and 99th percentile by each way.

    `cpu` is what the calling thread itself computes more, at the median: other programs on the machine do not blur it.
    `again` compares plain calls with plain calls: what it says is added, is what the measurement is worth.
    """
    with _serving("tests.others.provider") as model_url, _serving("tests.benchmarks.stage.sink") as sink_url:
        program = [python_with("sdk_wrappers"), "-m", "tests.benchmarks.stage.sdk_calls"]
        given = ["--model-url", model_url, "--sink-url", sink_url]
        given += ["--rounds", str(arguments.rounds), "--calls", str(arguments.calls)]
        ran = subprocess.run(
            [*program, *given], cwd=ROOT, env=environment(), capture_output=True, text=True, check=False
        )
        assert ran.returncode == 0, ran.stderr[-3_000:]
        with urllib.request.urlopen(sink_url + "/seen") as seen:  # noqa: S310
            captured = json.load(seen)
    assert len(captured) >= 3, f"not every way captured: {captured}"
    return _figures(json.loads(ran.stdout.splitlines()[-1])["seconds"])


def _figures(measured: dict[str, dict[str, list[list[list[float]]]]]) -> dict[str, object]:
    figures: dict[str, object] = {}
    for level, ways in measured.items():
        for way in (OURS, *OTHERS):
            prefix = "" if way == OURS else f"{way}_"
            without, with_it = ways[way]
            if way == OURS:
                figures |= {f"plain_p{percent}_us_{level}": round(_us(without, percent)) for percent in (50, 99)}
            for percent in (50, 99):
                figures[f"{prefix}p{percent}_added_us_{level}"] = round(_us(with_it, percent) - _us(without, percent))
            figures[f"{prefix}cpu_added_us_{level}"] = round(_us(with_it, 50, cpu=True) - _us(without, 50, cpu=True))
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
