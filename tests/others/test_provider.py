import json
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest

from tests.others.provider import Provider


@pytest.fixture(scope="module")
def provider() -> Iterator[Provider]:
    with Provider() as running:
        yield running


def ask(url: str, **request: Any) -> Any:
    headers = {"content-type": "application/json"}
    asked = urllib.request.Request(url, json.dumps(request).encode(), headers)  # noqa: S310
    with urllib.request.urlopen(asked, timeout=10) as answered:  # noqa: S310
        return answered.read().decode()


def test_the_same_request_gets_the_same_answer_under_another_id(provider: Provider) -> None:
    asked = {"model": "m", "messages": [{"role": "user", "content": "hello"}]}
    first, second = (json.loads(ask(provider.url + "/v1/chat/completions", **asked)) for _ in range(2))
    assert len(first["id"]) == len("chatcmpl-") + 29
    assert first.pop("id") != second.pop("id")
    assert first == second


def test_as_a_program_it_prints_its_port_and_answers_there() -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "tests.others.provider", "--port", "0"], stdout=subprocess.PIPE, text=True
    ) as program:
        assert program.stdout is not None
        port = json.loads(program.stdout.readline())["port"]
        answered = ask(f"http://127.0.0.1:{port}/v1/messages", model="m", messages=[{"role": "user", "content": "hi"}])
        program.terminate()
    assert json.loads(answered)["content"][0]["text"] == "You said: hi"


@pytest.mark.parametrize(
    ("path", "last"),
    [
        ("/v1/chat/completions", "data: [DONE]"),
        ("/v1/completions", "data: [DONE]"),
        ("/v1/responses", "response.completed"),
        ("/v1/messages", "message_stop"),
    ],
)
def test_a_stream_ends_with_the_last_event_of_its_api(provider: Provider, path: str, last: str) -> None:
    text = ask(provider.url + path, stream=True, messages=[{"role": "user", "content": "hi"}])
    assert last in text.strip().split("\n\n")[-1]
    assert last not in ask(provider.url + path, stream=True, input="play: undone", messages=[])
