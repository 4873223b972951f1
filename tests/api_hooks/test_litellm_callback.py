"""The callback in LiteLLM's real SDK, against a provider over HTTP: one generation for every call that succeeded."""

import json
import subprocess
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.api_hooks.test_redis import batches
from tests.others import litellm
from tests.others.provider import Provider

ROOT = Path(__file__).parents[2]
CALLS = (
    *("completion", "stream", "text completion", "responses", "responses stream", "mock", "unpriced", "cached"),
    *("edited afterwards", "nearer"),
    *("acompletion", "astream", "aresponses stream", "messages", "claude by chat", "claude by responses"),
    *("openai by messages", "atext completion", "router", "router's fallback", "router's stream", "the last"),
)

PATIENT = {"AFTERTAG_EXIT_SECONDS": "30", "MAX_TIME_TO_CLEAR_QUEUE": "60"}
"""At its end the first batch is sent, for which Celery's broker library is imported; LiteLLM by itself would wait for 5 s."""

pytestmark = pytest.mark.once

ENDS_AT_ONCE = """
import asyncio, litellm
from api_hooks.integrations.litellm import callback

litellm.callbacks = [callback]

said = [{"role": "user", "content": "Why?"}]
asyncio.run(litellm.acompletion(model="openai/gpt-5-mini", messages=said, mock_response="Because."))
"""

NAMED_FOR_HALF_OF_THE_CALLS = """
import litellm
from api_hooks.integrations.litellm import callback

litellm.success_callback = [callback]

said = [{"role": "user", "content": "Why?"}]
for _ in range(3):
    litellm.completion(model="openai/gpt-5-mini", messages=said, mock_response="Because.")
"""


def run(*arguments: str, url: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run a program with LiteLLM; it has to end well."""
    ended = subprocess.run(
        [litellm.python(), *arguments],
        cwd=ROOT,
        env=litellm.environ(AFTERTAG_URL=url, AFTERTAG_WORKSPACE="acme", **PATIENT, **variables),
        capture_output=True,
        text=True,
        timeout=110,
    )
    assert ended.returncode == 0, ended.stderr[-4_000:]
    return ended


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What the program's callers saw, by user, and what came into Redis."""

    seen: dict[str, str | None]
    generations: list[dict[str, Any]]
    dropped: dict[str, int]
    stderr: str

    def of(self, user: str) -> dict[str, Any]:
        [found] = [one for one in self.generations if one["user"] == user]
        return found


@pytest.fixture(scope="module")
def told(module_redis_url: str) -> Told:
    """One run of the program."""
    with Provider() as provider:
        ended = run("-m", "tests.api_hooks.litellm_calls", provider.url, url=module_redis_url)
    came = batches(module_redis_url)
    dropped: Counter[str] = Counter()
    for batch in came:
        dropped.update(batch.get("dropped", {}))
    return Told(
        seen=json.loads(ended.stdout.splitlines()[-1]),
        generations=[one for batch in came for one in batch["generations"]],
        dropped=dict(dropped),
        stderr=ended.stderr,
    )


@pytest.mark.parametrize("user", CALLS)
def test_every_kind_of_call_is_one_generation_named_as_its_caller_sees_it(user: str, told: Told) -> None:
    found = told.of(user)
    assert (found["id"], found["id_given"], found["workspace"]) == (told.seen[user], True, "acme")
    assert [kind for kind, *_ in found["turns"]][-2:] == ["user", "assistant"]
    assert found["latency_ms"] > 0


def test_calls_made_at_once_are_as_many_generations(told: Told) -> None:
    ids = [one["id"] for one in told.generations if one["user"] == "many at once"]
    assert len(set(ids)) == len(ids) == 50


def test_nothing_else_is_a_generation_and_nothing_is_lost(told: Told) -> None:
    """Embeddings and failures are none. LiteLLM tells nobody of a stream that its reader abandons."""
    users = {one["user"] for one in told.generations}
    assert users - {None} == {*CALLS, "many at once"}
    assert told.seen["failure"] == "BadRequestError"
    assert told.dropped == {}


@pytest.mark.parametrize("user", ["stream", "astream", "responses stream", "aresponses stream"])
def test_a_stream_is_reported_once_with_all_that_was_said(user: str, told: Told) -> None:
    found = told.of(user)
    assert found["streamed"]
    assert found["turns"][-1][1].startswith("You said: Why")


def test_the_context_around_a_call_attributes_it_also_where_its_end_is_logged_on_another_thread(told: Told) -> None:
    assert {told.of(user)["app"] for user in CALLS} == {"calls"}


def test_messages_that_are_edited_right_after_the_call_are_kept_as_they_were(told: Told) -> None:
    turns = [(kind, text) for kind, text, *_ in told.of("edited afterwards")["turns"]]
    assert turns == [("user", "as it was"), ("assistant", "You said: as it was")]


def test_a_stream_belongs_to_where_it_began_and_not_to_the_context_that_it_is_read_in(told: Told) -> None:
    [found] = [one for one in told.generations if one["id"] == told.seen["outside any context"]]
    assert (found["user"], found["workspace"], found["app"]) == (None, "acme", None)


def test_a_context_around_a_call_is_nearer_to_it_than_a_header(told: Told) -> None:
    assert (told.of("nearer")["app"], told.of("nearer")["session_id"]) == ("calls", "of the call")


def test_usage_cost_tools_metadata_and_session_are_kept(told: Told) -> None:
    found = told.of("completion")
    assert found["tools"] == ["search"]
    assert found["usage"]["prompt"] > found["usage"]["completion"] > 0
    assert found["cost_usd"] > 0
    assert (found["metadata"]["ticket"], found["session_id"]) == ("T-1", "s-1")
    assert (found["model"], found["provider"], found["finish_reason"]) == ("gpt-5-mini", "openai", "stop")


def test_what_litellm_does_not_know_is_no_zero(told: Told) -> None:
    assert told.of("unpriced")["cost_usd"] is None
    assert told.of("unpriced")["usage"]["prompt"] > 0
    assert (told.of("stream")["usage"], told.of("stream")["cost_usd"]) == ({}, None)


@pytest.mark.parametrize("user", ["completion", "responses", "messages", "claude by chat"])
def test_the_system_prompt_is_kept_also_in_blocks_and_as_instructions(user: str, told: Told) -> None:
    assert told.of(user)["turns"][0][:2] == ["system", "Be brief."]


def test_an_answer_from_litellms_cache_is_a_generation_that_used_nothing(told: Told) -> None:
    [hit] = [one for one in told.generations if one["metadata"].get("cache_hit")]
    assert hit["user"] is None  # there was no call, and who is around its logging is another
    assert hit["id"].startswith(f"{told.seen['cached again']}_cache_hit")
    assert (hit["usage"], hit["cost_usd"]) == ({}, 0)


def test_the_callback_writes_nothing_where_litellm_logs(told: Told) -> None:
    assert "aftertag" not in told.stderr
    assert "api_hooks" not in told.stderr


def test_a_program_that_ends_right_after_its_last_call_does_not_lose_it(redis_db_url: str) -> None:
    """LiteLLM logs it when the interpreter ends, after whoever came later: the hook would be closed by then."""
    run("-c", ENDS_AT_ONCE, url=redis_db_url)
    assert [len(batch["generations"]) for batch in batches(redis_db_url)] == [1]


def test_named_in_success_callback_it_says_once_where_to_name_it(redis_db_url: str) -> None:
    ended = run("-c", NAMED_FOR_HALF_OF_THE_CALLS, url=redis_db_url)
    assert ended.stderr.count("name it in litellm.callbacks.") == 1
    assert sum(len(batch["generations"]) for batch in batches(redis_db_url)) == 3


def test_the_example_hands_over_its_call(redis_db_url: str) -> None:
    with Provider() as provider:
        example = str(ROOT / "tests" / "examples" / "litellm_sdk.py")
        ended = run(example, url=redis_db_url, OPENAI_API_KEY="sk-none", OPENAI_BASE_URL=f"{provider.url}/v1")
    [found] = [one for batch in batches(redis_db_url) for one in batch["generations"]]
    assert found["turns"][-1][1] == ended.stdout.strip()
    assert (found["user"], found["model"]) == ("u-17", "gpt-5-mini")
