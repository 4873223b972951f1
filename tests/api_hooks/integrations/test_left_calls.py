"""While calls come, each is left to the sending thread as it was, and nothing of it is lost or told differently."""

import gc
import os
import time
import weakref
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any

import openai
import pytest

import api_hooks
from api_hooks import current, open_spans
from api_hooks.integrations.stainless import background
from tests.api_hooks.integrations.stage import Handed, handing_over, turns
from tests.api_hooks.test_open_spans import Span, told
from tests.waiting import wait_until


@pytest.fixture
def attended(all_watched: None, open_client: Callable[..., openai.OpenAI]) -> Iterator[Handed]:
    """The hook after a first call, which is among what it hands over: its thread attends to those that follow."""
    with handing_over(flush_seconds=60.0, exit_seconds=30.0) as handed:
        ask(open_client(), "the first")
        wait_until(is_attended)
        yield handed
        assert handed.lost == {}


def is_attended() -> bool:
    return current.line().doorstep._is_attended


def ask(client: openai.OpenAI, text: str) -> Any:
    return client.chat.completions.create(model="gpt-5", messages=[{"role": "user", "content": text}])


def test_a_call_is_told_with_the_context_and_at_the_time_that_were_its_own(
    attended: Handed, client: openai.OpenAI
) -> None:
    teams = ["red"]
    before = time.time()
    with api_hooks.context(user="u-17", metadata={"teams": teams}):
        ask(client, "play: wait:0.2")
    after = time.time()
    teams.append("blue")
    _, found = attended.all()
    assert (found["user"], found["metadata"]) == ("u-17", {"teams": '["red"]'})
    assert 200 <= found["latency_ms"] <= (after - before) * 1_000
    assert before <= datetime.fromisoformat(found["created_at"]).timestamp() <= after - 0.2


def test_neither_request_nor_response_is_kept_for_longer_than_it_takes_to_look_at_it(
    attended: Handed, open_client: Callable[..., openai.OpenAI]
) -> None:
    seen: list[Any] = []
    watching = {"response": [lambda response: seen.extend((weakref.ref(response), weakref.ref(response.request)))]}
    ask(open_client(http_client=openai.DefaultHttpxClient(event_hooks=watching)), "hi")
    assert api_hooks.stats().waiting == 2
    gc.collect()
    assert [kept() for kept in seen] == [None, None]


def test_many_threads_leave_each_call_once(attended: Handed, client: openai.OpenAI) -> None:
    with ThreadPoolExecutor(16) as pool:
        list(pool.map(lambda number: ask(client, str(number)), range(400)))
    texts = [turns(one)[0][1] for one in attended.all()]
    assert sorted(texts) == sorted(["the first", *map(str, range(400))])


def test_errors_and_what_is_no_generation_are_none(attended: Handed, client: openai.OpenAI) -> None:
    client.models.list()
    with pytest.raises(openai.BadRequestError):
        ask(client, "play: 400")
    assert len(attended.all()) == 1


def test_a_call_that_is_taken_in_inside_of_a_span_which_was_not_around_it_leaves_that_to_its_own(
    attended: Handed, client: openai.OpenAI
) -> None:
    ask(client, "before the span")
    span = Span()
    token = open_spans._started.set(())
    open_spans.start(span)
    api_hooks.stats()
    ask(client, "inside")
    open_spans._started.reset(token)
    ids = {turns(one)[0][1]: one["id"] for one in attended.all()}
    assert told(span) == ids["inside"]


def test_what_is_asked_for_in_the_background_is_known_to_a_child_that_is_forked_right_after(
    attended: Handed, client: openai.OpenAI
) -> None:
    asked: Any = client.post("/responses", body={"model": "m", "input": "later", "background": True}, cast_to=object)
    child = os.fork()
    if child == 0:
        os._exit(0 if asked["id"] in background._awaited else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    while client.responses.retrieve(asked["id"]).status != "completed":
        pass
    assert [turns(one)[0][1] for one in attended.all()] == ["the first", "later"]


def test_configure_sends_what_was_left_to_where_it_was_to_go(attended: Handed, client: openai.OpenAI) -> None:
    ask(client, "before")
    api_hooks.configure(workspace="other")
    ask(client, "after")
    texts = {turns(one)[0][1]: one["workspace"] for one in attended.all()}
    assert texts == {"the first": "acme", "before": "acme", "after": "other"}
