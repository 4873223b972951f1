"""The test model server as a process of its own, as benchmarks start it."""

import json
import subprocess
import sys
from collections.abc import Iterator

import httpx
import pytest

from tests.model_server_plays import step


@pytest.fixture
def url() -> Iterator[str]:
    command = [sys.executable, "-m", "tests.model_server", "--port", "0", "--hang-share", "0.5", "--hang-seconds", "60"]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as server:
        assert server.stdout is not None
        yield f"http://127.0.0.1:{json.loads(server.stdout.readline())['port']}/v1"
        server.terminate()


def test_it_prints_its_port_answers_hangs_its_share_and_counts(url: str) -> None:
    schema = {"type": "object", "properties": {"department": {"type": "string", "enum": ["legal"]}}}
    request = {
        "messages": [{"role": "user", "content": "play-id: mine"}],
        "response_format": {"type": "json_schema", "json_schema": {"schema": schema}},
    }
    with httpx.Client(trust_env=False, timeout=30) as client:
        completion = client.post(f"{url}/chat/completions", json=request).json()
        with pytest.raises(httpx.ReadTimeout):
            client.post(f"{url}/chat/completions", json=request, timeout=0.5)
        seen = client.get(f"{url}/calls").json()
    assert json.loads(completion["choices"][0]["message"]["content"]) == {"department": "legal"}
    assert seen == {"total": 2, "calls": {"mine": 1}}


@pytest.mark.parametrize(
    ("script", "steps"),
    [
        ("500", ["500", "500", "500", "500"]),
        ("500*2", ["500", "500", "ok", "ok"]),
        ("429:7*1,half*1,html", ["429:7", "half", "html", "html"]),
    ],
)
def test_a_script_is_played_step_by_step(script: str, steps: list[str]) -> None:
    assert [step(script, call) for call in range(1, 5)] == steps
