"""One call that several instruments see is one generation: each hands it over under the response's id, or not at all."""

import json
import subprocess
import sys
import urllib.request
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from tests.others import litellm
from tests.others.provider import Provider
from tests.others.pythons import ROOT, environment, python_with


@pytest.fixture
def sink_url() -> Iterator[str]:
    """Where Langfuse and PostHog send."""
    command = [sys.executable, "-m", "tests.benchmarks.stage.sink"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as sink:
        assert sink.stdout is not None
        yield f"http://127.0.0.1:{json.loads(sink.stdout.readline())['port']}"
        sink.terminate()


def printed(*command: Any, env: Any) -> Any:
    ended = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=110, check=False)
    assert ended.returncode == 0, ended.stderr[-3_000:]
    return json.loads(ended.stdout.splitlines()[-1])


@pytest.mark.timeout(900)
def test_langfuses_and_posthogs_wrappers_beside_ours_leave_one_generation_each(
    provider: Provider, sink_url: str
) -> None:
    module = "tests.api_hooks.integrations.beside_langfuse"
    found = printed(python_with("sdk_wrappers"), "-m", module, provider.url, sink_url, env=environment())
    handed_over = found["handed_over"]
    assert sorted(one["id"] for one in handed_over) == sorted(found["ids"])
    assert Counter(one["finish_reason"] for one in handed_over) == {"stop": 4, "abandoned": 1, "completed": 1}
    with urllib.request.urlopen(sink_url + "/seen") as seen:  # noqa: S310
        paths = json.load(seen)
    assert any("otel" in path for path in paths), paths
    assert any("batch" in path for path in paths), paths


@pytest.mark.timeout(900)
def test_a_call_of_litellms_is_told_by_litellm_alone_and_an_abandoned_one_by_the_sdk(provider: Provider) -> None:
    module = "tests.api_hooks.integrations.beside_litellm"
    handed_over = printed(litellm.python(), "-m", module, provider.url, env=litellm.environ())
    found = {one["turns"][0][1]: one for one in handed_over}
    by_litellm = {"completion", "stream", "responses", "acompletion"}
    assert len(handed_over) == len(found)
    assert found.keys() == by_litellm | {"abandoned", "the SDK's own"}
    assert all(one["id_given"] for one in handed_over)
    assert {one["workspace"] for text, one in found.items() if text != "the SDK's own"} == {"team-ws"}
    assert {found[text]["metadata"]["ticket"] for text in by_litellm} == {"T-1"}
    assert found["completion"]["cost_usd"] > 0
    assert found["abandoned"]["finish_reason"] == "abandoned"
    assert found["the SDK's own"]["workspace"] == "acme"
