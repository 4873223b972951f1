"""The examples of the SDKs, run as they stand; the README's are copied from them."""

import os
import subprocess
import sys
from typing import Any

from tests.api_hooks.http_server import playing
from tests.others.provider import Provider
from tests.others.pythons import ROOT

HOOK = {"AFTERTAG_KEY": "at_key", "AFTERTAG_EXIT_SECONDS": "30", "PYTHONPATH": str(ROOT)}


def run(name: str, provider: Provider) -> tuple[str, list[dict[str, Any]]]:
    """Run an example; return what it printed and the generations that its hook sent."""
    with playing() as server:
        told = {"AFTERTAG_URL": server.url, **HOOK}
        keys = {"OPENAI_API_KEY": "k", "OPENAI_BASE_URL": provider.url + "/v1", "ANTHROPIC_API_KEY": "k"}
        environ = {**os.environ, **told, **keys, "ANTHROPIC_BASE_URL": provider.url}
        command = [sys.executable, ROOT / "tests" / "examples" / name]
        ended = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=60, check=True)
    return ended.stdout, server.generations


def test_openais_sdk_hands_over_a_response_and_a_stream(provider: Provider) -> None:
    printed, generations = run("openai_sdk.py", provider)
    assert printed == "You said: Why is the sky blue?\nYou said: And at dusk?"
    assert [(found["provider"], found["streamed"]) for found in generations] == [
        ("127.0.0.1", False),
        ("127.0.0.1", True),
    ]


def test_anthropics_sdk_hands_over_a_message(provider: Provider) -> None:
    printed, [found] = run("anthropic_sdk.py", provider)
    assert printed == "You said: Why is the sky blue?\n"
    assert (found["workspace"], found["user"], found["session_id"]) == ("acme", "u-17", "s-1")
    assert (found["model"], found["provider"]) == ("claude-haiku-5-5", "127.0.0.1")


def test_a_stream_that_is_open_when_the_program_ends_is_abandoned(provider: Provider) -> None:
    code = (
        "import api_hooks, openai; client = api_hooks.instrument_openai(openai.OpenAI()); "
        "stream = client.completions.create(model='m', prompt='hi', stream=True); next(stream)"
    )
    with playing() as server:
        told = {"AFTERTAG_URL": server.url, **HOOK}
        environ = {**os.environ, **told, "OPENAI_API_KEY": "k", "OPENAI_BASE_URL": provider.url + "/v1"}
        subprocess.run([sys.executable, "-c", code], env=environ, timeout=60, check=True)
    [found] = server.generations
    assert (found["finish_reason"], found["turns"][-1][1]) == ("abandoned", "You ")
