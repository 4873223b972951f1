"""`api_hooks.feedback`: through the buffer like a generation, beside them in the batch, and never raising."""

import inspect
import types
from collections.abc import Callable
from typing import Any

import pytest

import api_hooks
from api_hooks import wire
from api_hooks.line import Line
from tests.api_hooks import hostile
from tests.api_hooks.http_server import playing
from tests.api_hooks.litellm_payloads import PROVIDERS_ID, WRAPPED_ID, responses_payload
from tests.api_hooks.senders import KeepingSender, put
from tests.waiting import wait_until

NOWHERE = "redis://127.0.0.1:1/0"

pytestmark = pytest.mark.usefixtures("closes_the_hook")


def say(line: Line, **given: Any) -> bool:
    return line.put_feedback({"workspace": None, "generation_id": "g-1", **given})


def test_feedback_goes_along_with_the_generations_beside_it(
    line_to: Callable[..., Line], sender: KeepingSender
) -> None:
    line = line_to(flush_seconds=30)
    put(line, "hello", id="g-1")
    assert say(line, score=1, comment="good", user="u-17", metadata={"page": "3"})
    put(line, "hello", id="g-2")
    assert line.flush(30)
    [batch] = sender.batches
    assert [generation["id"] for generation in batch["generations"]] == ["g-1", "g-2"]
    [feedback] = batch["feedback"]
    assert set(feedback) == {"id", "workspace", "generation_id", "created_at", "score", "comment", "user", "metadata"}
    assert (feedback["workspace"], feedback["generation_id"], feedback["score"]) == ("acme", "g-1", 1)
    assert (feedback["comment"], feedback["user"], feedback["metadata"]) == ("good", "u-17", {"page": "3"})
    stats = line.stats()
    assert (stats.accepted, stats.sent, stats.waiting) == (3, 3, 0)


def test_a_batch_without_feedback_says_nothing_of_it(line_to: Callable[..., Line], sender: KeepingSender) -> None:
    line = line_to()
    put(line)
    assert line.flush(30)
    assert "feedback" not in sender.batches[0]


def test_feedback_alone_is_a_batch(line_to: Callable[..., Line], sender: KeepingSender) -> None:
    line = line_to()
    say(line, score=-1)
    assert line.flush(30)
    [batch] = sender.batches
    assert (batch["generations"], len(batch["feedback"])) == ([], 1)


def test_what_says_nothing_is_counted(line_to: Callable[..., Line], sender: KeepingSender) -> None:
    line = line_to()
    say(line)
    say(line, score="good")
    say(line, score=1, generation_id=None)
    say(line, comment="fine")
    assert line.flush(30)
    assert line.stats().dropped == {"bad_input": 3}
    assert [feedback["comment"] for feedback in sender.batches[0]["feedback"]] == ["fine"]


def test_feedback_is_bounded_with_everything_else(line_to: Callable[..., Line], sender: KeepingSender) -> None:
    sender.may_send.clear()
    line = line_to(buffer_generations=5, buffer_bytes=10_000)
    put(line)
    wait_until(lambda: sender.attempts == 1)
    assert [say(line, score=1) for _ in range(7)] == [True] * 5 + [False] * 2
    assert not say(line, comment="x" * 20_000)
    assert line.stats().dropped == {"buffer_full": 2, "too_large": 1}


def test_the_public_function_takes_the_contexts_workspace_user_and_metadata() -> None:
    with playing() as server:
        api_hooks.configure(url=server.url, workspace="acme", flush_seconds=30)
        with api_hooks.context(user="u-17", metadata={"page": "3"}, workspace="other", app="desk"):
            assert api_hooks.feedback("g-1", 0.5, "meh", metadata={"round": 2}, id="f-1")
        assert api_hooks.feedback("g-2", score=1)
        assert api_hooks.flush(30)
    first, second = server.requests[0].batch["feedback"]
    assert (first["id"], first["workspace"], first["user"]) == ("f-1", "other", "u-17")
    assert first["metadata"] == {"page": "3", "round": "2"}
    assert (second["workspace"], second["user"], second["score"]) == ("acme", None, 1)


BEHIND_LITELLM = responses_payload(WRAPPED_ID)["response"]


@pytest.mark.parametrize(
    ("given", "generation_id"),
    [
        (PROVIDERS_ID, PROVIDERS_ID),
        ({"id": PROVIDERS_ID}, PROVIDERS_ID),
        (types.SimpleNamespace(id=PROVIDERS_ID, object="response", output=[]), PROVIDERS_ID),
        (BEHIND_LITELLM, wire.call_id(BEHIND_LITELLM)),
    ],
)
def test_feedback_on_a_response_names_its_generation_as_every_way_in_does(given: Any, generation_id: str) -> None:
    with playing() as server:
        api_hooks.configure(url=server.url, flush_seconds=30)
        assert api_hooks.feedback(given, 1)
        assert api_hooks.flush(30)
    [found] = server.requests[0].batch["feedback"]
    assert found["generation_id"] == generation_id


@pytest.mark.parametrize("make", [object, dict, list, hostile.RaisesOnEverything])
def test_feedback_on_what_has_no_id_is_counted_and_raises_nothing(make: Callable[[], Any]) -> None:
    with playing() as server:
        api_hooks.configure(url=server.url, flush_seconds=30)
        api_hooks.feedback(make(), 1)
        assert api_hooks.flush(30)
        assert api_hooks.stats().dropped == {"bad_input": 1}


def test_over_http_feedback_needs_no_workspace_and_over_redis_it_does() -> None:
    with playing() as server:
        api_hooks.configure(url=server.url, flush_seconds=0.01)
        assert api_hooks.feedback("g-1", 1)
        assert api_hooks.flush(30)
    assert server.requests[0].batch["feedback"][0]["workspace"] is None
    api_hooks.configure(url=NOWHERE)
    assert not api_hooks.feedback("g-1", 1)
    assert api_hooks.stats().dropped == {"bad_input": 1}


def test_feedback_never_raises_whatever_it_is_given() -> None:
    api_hooks.configure(url=NOWHERE, workspace="acme")
    parameters = inspect.signature(api_hooks.feedback).parameters.values()
    names = [one.name for one in parameters if one.kind not in (one.VAR_POSITIONAL, one.VAR_KEYWORD)]
    assert len(names) == 7
    odd_ones = (hostile.RaisesOnEverything(), hostile.recursive_list(), float("nan"), b"x", "x" * 1_000_000, dict)
    for name in names:
        for odd in odd_ones:
            given: dict[str, Any] = {"generation_id": "g", "score": 1, name: odd}
            assert api_hooks.feedback(**given)
    api_hooks.feedback()
    api_hooks.feedback("g", 1, "c", "one too many", no_such_argument=1)  # type: ignore[arg-type]
    api_hooks.close(0.0)
    assert not api_hooks.feedback("g", 1)


def test_feedback_is_taken_without_io_and_before_anything_is_configured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AFTERTAG_URL", raising=False)
    monkeypatch.delenv("AFTERTAG_REDIS_URL", raising=False)
    api_hooks.configure(workspace="acme")
    assert not api_hooks.feedback("g", 1)
    assert api_hooks.stats().dropped == {"not_configured": 1}
