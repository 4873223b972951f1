"""Every benchmark runs, at a tiny size, and gives the figures that it is for; what they measure is no matter here."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.benchmarks import throughput
from tests.benchmarks.__main__ import names
from tests.benchmarks.throughput import Run

ROOT = Path(__file__).parents[2]
KEYS = {
    "buffered": {"hook_mb", "plain_mb", "share_of_plain"},
    "enqueue": {"p50_us", "p99_us", "p999_us", "dropped", "times_below_send_task"},
    "imports": {"api_hooks_ms"},
    "ingest": {"shared_requests_per_second", "shared_generations_per_second", "requests_times_plain"},
    "local": {"nlu", "tickets"},
    "many_days": {"look_ms", "sweep_ms", "plain_sweep_ms", "locks"},
    "memory": {"growth_mb"},
    "otlp": {"per_second", "json_per_second", "times_plain"},
    "recording": {"per_second"},
    "render": {"mb_per_second"},
    "throughput": {"per_second", "limit_fraction_256", "times_plain", "cpu_ms", "cpu_vs_plain"},
}
TINY = {
    "buffered": ["--generations", "50"],
    "enqueue": ["--seconds", "0.3", "--per-second", "500"],
    "imports": ["--pairs", "1"],
    "ingest": ["--requests", "40", "--batches", "2", "--rounds", "1"],
    "many_days": ["--days", "25"],
    "memory": ["--classifications", "60", "--from", "20", "--portion", "20"],
    "otlp": ["--rounds", "1", "--requests", "1"],
    "recording": ["--generations", "200"],
    "render": ["--rounds", "1"],
    "throughput": ["--only", "256", "--only", "plain", "--seconds", "0.5", "--warm-up-seconds", "0.5"],
}
LEFT_OUT = {
    "real_input": "imports thousands of real conversations, which are not in the repository",
    "sdk": "installs Langfuse's and PostHog's SDKs into an interpreter of their own, which takes minutes",
}


def figures(name: str, options: list[str]) -> dict[str, Any]:
    """Run one as people do, in a process of its own; return the object that it prints."""
    ran = subprocess.run(
        [sys.executable, "-m", "tests.benchmarks", name, "--json", *options], cwd=ROOT, capture_output=True, text=True
    )
    assert ran.returncode == 0, ran.stderr[-3_000:]
    return dict(json.loads(ran.stdout))


def test_each_benchmark_is_tried_or_left_out_for_a_reason() -> None:
    assert names() == sorted([*KEYS, *LEFT_OUT])
    assert sorted([*TINY, "local"]) == sorted(KEYS)


@pytest.mark.usefixtures("real_redis_engine")
@pytest.mark.parametrize("name", sorted(TINY))
def test_a_benchmark_runs_and_gives_its_figures(name: str) -> None:
    assert set(figures(name, TINY[name])) >= KEYS[name]


def test_the_benchmark_of_the_local_model_runs_on_files_of_its_form(tmp_path: Path) -> None:
    for file, dimension in (
        ("nlu_scenarios.jsonl", "nlu_scenario"),
        ("support_tickets_insurance.jsonl", "insurance_ticket_category"),
    ):
        rows = [
            {"labels": {dimension: value}, "messages": [{"role": "user", "content": f"{value} number {number}"}]}
            for value in ("music", "weather")
            for number in range(8)
        ]
        (tmp_path / file).write_text("\n".join(map(json.dumps, rows)))
    found = figures("local", ["--data", str(tmp_path)])
    assert set(found) >= KEYS["local"]
    assert found["nlu"] == 1.0


def test_the_whole_benchmark_of_throughput_gives_every_figure_of_the_table() -> None:
    """With all five runs it takes minutes, most of them for calls that hang."""
    same = Run(per_second=100.0, cpu_ms=1.0, seconds=1.0)
    found = throughput.tabulated(dict.fromkeys(("256", "512", "hang", "plain", "threads"), same))
    wanted = {"limit_fraction_512", "hang_1pct", "times_threads"}
    assert set(found) >= KEYS["throughput"] | wanted
