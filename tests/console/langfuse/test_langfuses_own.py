"""Langfuse's own client reads our samples, and finds in our stand-in for its API what it finds in the real one."""

import json
import subprocess
from pathlib import Path

import pytest

from console.langfuse.client import Langfuse
from console.langfuse.settings import Settings
from tests.console.langfuse.langfuse_server import KEYS, LangfuseServer
from tests.console.langfuse.test_client import scores
from tests.others.pythons import environment, python_with

pytestmark = pytest.mark.timeout(900)  # the first time, Langfuse's client is installed
PROGRAM = Path(__file__).with_name("langfuses_own.py")
EXPORTS = Path(__file__).parents[2] / "worker" / "importing" / "exports"


def own(*arguments: str, given: str = "") -> str:
    ended = subprocess.run(
        [python_with("langfuse_api"), PROGRAM, *arguments],
        input=given,
        capture_output=True,
        text=True,
        env=environment(),
        timeout=120,
    )
    assert ended.returncode == 0, ended.stderr
    return ended.stdout.strip()


def test_its_models_read_our_sample_of_its_api() -> None:
    assert own("observations", str(EXPORTS / "langfuse_api_v2.json")) == "2"


def test_its_client_sends_our_scores_as_we_do_and_understands_the_answers() -> None:
    ours = scores(3)
    with LangfuseServer() as server:
        with Langfuse(Settings(address=server.url, public_key=KEYS[0], secret_key=KEYS[1])) as langfuse:
            langfuse.send(ours)
        sent_by_us = dict(server.stored)
        bodies = json.dumps([score.body for score in ours])
        assert own("scores", server.url, given=bodies) == "CreateScoreBatchResponse"
        assert server.stored.keys() == sent_by_us.keys()
        bad = json.dumps([{**ours[0].body, "value": "refused"}])
        assert own("scores", server.url, given=bad) == "CreateScoreBatchResults"
