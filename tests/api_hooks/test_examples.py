"""The examples of the hook itself, run as they stand; the README's are copied from them."""

import os
import subprocess
import sys
from pathlib import Path

from tests.api_hooks.http_server import PlayedServer, playing

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "tests" / "examples"


def run(name: str, *, interpreter: tuple[str, ...] = (sys.executable,)) -> PlayedServer:
    """Run an example whose hook sends to a server; return the server as it was at the end."""
    with playing() as server:
        environ = {**os.environ, "AFTERTAG_URL": server.url, "AFTERTAG_KEY": "at_key", "PYTHONPATH": str(ROOT)}
        environ["AFTERTAG_EXIT_SECONDS"] = "30"
        subprocess.run([*interpreter, EXAMPLES / name], env=environ, cwd=EXAMPLES, timeout=60, check=True)
    return server


def test_what_plain_code_hands_over_arrives() -> None:
    [generation] = run("plain.py").generations
    assert (generation["id"], generation["model"], generation["user"]) == ("answer-17", "gpt-5-mini", "u-17")
    assert [turn[0] for turn in generation["turns"]] == ["user", "assistant"]


def test_feedback_arrives() -> None:
    [request] = run("feedback.py").requests
    [feedback] = request.batch["feedback"]
    assert (feedback["generation_id"], feedback["score"], feedback["comment"]) == ("answer-17", 1, "Just right.")


def test_no_card_number_arrives_and_a_tenth_of_the_texts() -> None:
    server = run("redact_and_sample.py")
    assert len(server.generations) == 200
    texts = [generation["turns"][0][1] for generation in server.generations if generation["turns"]]
    assert set(texts) == {"My card [card number] was charged twice."}
    assert 5 <= len(texts) <= 40
    assert all(b"4111 1111" not in request.body for request in server.requests)


def test_a_test_of_your_own_passes_and_sends_nothing() -> None:
    server = run("your_own_tests.py", interpreter=(sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"))
    assert server.requests == []
