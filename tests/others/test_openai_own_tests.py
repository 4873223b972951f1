"""openai-python's own tests of what the instrumentation touches pass as they do without it: streams first of all."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.others.openai_sources import source_of, version_of
from tests.others.pythons import environment, python_with

NAME = "openai_own_tests"
PLUGINS = Path(__file__).parent / "plugins"

RUN = (
    "tests/test_streaming.py",
    "tests/test_stream_mode.py",
    "tests/test_sse_framing.py",
    "tests/test_legacy_response.py",
    "tests/test_response.py",
    "tests/test_client.py",
    "tests/test_module_client.py",
    "tests/test_httpx_compat.py",
    "tests/test_debug_logging.py",
    "tests/lib/chat",
    "tests/lib/responses",
    "tests/lib/test_streaming_deltas.py",
    "tests/lib/test_azure.py",
)

SKIPPED = {
    "tests/api_resources": "they need the mock server that openai generates from its API description",
    "tests/lib/responses/test_websocket_*.py": "a WebSocket connection is no response that the instrumentation sees",
    "the rest of tests/": "they touch neither a generation nor a stream: files, realtime, agents, credentials, tooling",
}

RECORDED_STREAMS_MISSING = "tests/lib/chat/test_completions_streaming.py"
"""13 of its 18 tests compare with recorded streams (`.inline-snapshot/external/*.bin`), which PyPI's source leaves out:
they fail with the instrumentation and without it."""


@pytest.fixture(scope="module")
def ended(tmp_path_factory: pytest.TempPathFactory) -> dict[bool, dict[str, Any]]:
    """How their tests ended: with the instrumentation and without."""
    python = python_with(NAME)
    source = source_of(version_of(NAME))

    def run(*tests: str, is_instrumented: bool) -> dict[str, Any]:
        outcomes = tmp_path_factory.mktemp("outcomes") / "outcomes.json"
        given = environment(OUTCOMES=str(outcomes), INSTRUMENTED=str(int(is_instrumented)))
        given = {**given, "PYTHONPATH": f"{PLUGINS}:{given['PYTHONPATH']}"}
        options = ["-p", "aftertag_outcomes", "-p", "no:cacheprovider", "-n", "0", "-q", "--no-header", "--tb=no"]
        ignored = ["--ignore-glob=*/lib/responses/test_websocket_*.py"]
        command = [python, "-m", "pytest", *options, *ignored, *tests]
        ran = subprocess.run(command, cwd=source, env=given, capture_output=True, text=True, check=False)
        assert outcomes.exists(), ran.stdout[-3000:] + ran.stderr[-3000:]
        return dict(json.loads(outcomes.read_text()))

    found = {is_instrumented: run(*RUN, is_instrumented=is_instrumented) for is_instrumented in (True, False)}
    # Some of theirs measure fractions of a second: what ended differently is run once more, both ways.
    plain = found[False]["outcomes"]
    if differing := [name for name, outcome in found[True]["outcomes"].items() if outcome != plain.get(name)]:
        for is_instrumented in (True, False):
            found[is_instrumented]["outcomes"] |= run(*differing, is_instrumented=is_instrumented)["outcomes"]
    return found


@pytest.mark.timeout(1500)
def test_openais_own_tests_end_as_they_do_without_the_instrumentation(ended: dict[bool, dict[str, Any]]) -> None:
    watched, plain = ended[True]["outcomes"], ended[False]["outcomes"]
    assert watched == plain
    failed = {name for name, outcome in watched.items() if outcome == "failed"}
    assert {name.partition("::")[0] for name in failed} == {RECORDED_STREAMS_MISSING}
    assert len(failed) == 13
    assert sum(outcome == "passed" for outcome in watched.values()) > 1_000


@pytest.mark.timeout(1500)
def test_the_instrumentation_was_on_while_they_ran(ended: dict[bool, dict[str, Any]]) -> None:
    assert ended[True]["handed_over"] > 100
    assert ended[False]["handed_over"] == 0
