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
    handed_over = printed(litellm.python(), "-m", module, provider.url, "callbacks", env=litellm.environ())
    found = {one["turns"][0][1]: one for one in handed_over}
    by_litellm = {"completion", "stream", "responses", "acompletion"}
    assert len(handed_over) == len(found)
    assert found.keys() == by_litellm | {"abandoned", "the SDK's own"}
    assert all(one["id_given"] for one in handed_over)
    assert {one["workspace"] for text, one in found.items() if text != "the SDK's own"} == {"team-ws"}
    assert {one["user"] for one in handed_over} == {"u-1"}
    assert {found[text]["metadata"]["ticket"] for text in by_litellm} == {"T-1"}
    assert found["completion"]["cost_usd"] > 0
    assert found["abandoned"]["finish_reason"] == "abandoned"
    assert found["the SDK's own"]["workspace"] == "acme"


@pytest.mark.timeout(900)
@pytest.mark.parametrize("how", ["success_callback", "each call"])
def test_what_litellm_reports_of_synchronous_calls_only_the_sdk_tells_of_the_others(
    how: str, provider: Provider
) -> None:
    module = "tests.api_hooks.integrations.beside_litellm"
    handed_over = printed(litellm.python(), "-m", module, provider.url, how, env=litellm.environ())
    by_litellm = {one["turns"][0][1] for one in handed_over if one["metadata"].get("ticket") == "T-1"}
    by_the_sdk = {one["turns"][0][1] for one in handed_over if "ticket" not in one["metadata"]}
    assert len(handed_over) == len(by_litellm | by_the_sdk)
    assert by_litellm == {"completion", "stream", "responses"}
    assert by_the_sdk == {"acompletion", "abandoned", "the SDK's own"}
    of_litellms_sdk_calls = [
        one for one in handed_over if one["turns"][0][1] != "responses"
    ]  # which LiteLLM makes itself
    assert {one["user"] for one in of_litellms_sdk_calls} == {"u-1"}
    assert {one["workspace"] for one in handed_over if one["turns"][0][1] in by_litellm | {"abandoned"}} == {"team-ws"}
