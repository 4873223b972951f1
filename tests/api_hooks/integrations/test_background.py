"""Responses that the provider works out in the background are handed over when they are there."""

import asyncio
from collections.abc import Iterator
from typing import Any

import openai
import pytest

from api_hooks import context
from api_hooks.integrations.stainless import background
from tests.api_hooks.integrations.stage import Handed, handing_over, turns
from tests.others.provider import Provider

pytestmark = pytest.mark.usefixtures("all_watched")


@pytest.fixture(autouse=True)
def nothing_is_awaited_from_before() -> Iterator[None]:
    background._awaited.clear()
    yield
    background._awaited.clear()


def ask(client: Any, text: str) -> Any:
    """Create one; the oldest SDKs have no argument for it."""
    return client.post("/responses", body={"model": "gpt-5", "input": text, "background": True}, cast_to=object)


def retrieve(client: openai.OpenAI, asked: Any) -> Any:
    return client.responses.retrieve(asked["id"])


def test_a_response_in_the_background_is_handed_over_once_when_it_is_retrieved_complete(
    client: openai.OpenAI, handed: Handed
) -> None:
    with context(user="u-17"):
        asked = ask(client, "deep research")
    assert retrieve(client, asked).status == "in_progress"
    assert handed.all() == []
    assert retrieve(client, asked).status == "completed"
    assert retrieve(client, asked).status == "completed"
    found = handed.one()
    assert turns(found) == [("user", "deep research"), ("assistant", "You said: deep research")]
    assert (found["id"], found["model"], found["user"]) == (asked["id"], "gpt-5", "u-17")
    assert found["usage"]["completion"] > 0


def test_a_coroutine_hands_it_over_as_well(provider: Provider, handed: Handed) -> None:
    async def ask_and_wait() -> str:
        async with openai.AsyncOpenAI(base_url=provider.url + "/v1", api_key="k") as client:
            asked = await ask(client, "later")
            while (await client.responses.retrieve(asked["id"])).status != "completed":
                pass
            return str(asked["id"])

    assert asyncio.run(ask_and_wait()) == handed.one()["id"]


def test_one_that_fails_or_that_others_asked_for_is_neither_handed_over_nor_lost(
    client: openai.OpenAI, handed: Handed
) -> None:
    failing, others = ask(client, "play: fail"), ask(client, "somebody else's")
    background._awaited.pop(others["id"])
    for asked in (failing, others):
        for _ in range(3):
            retrieve(client, asked)
    assert handed.all() == []
    assert background._awaited == {}


def test_the_oldest_that_nobody_retrieves_are_forgotten_and_counted(client: openai.OpenAI) -> None:
    with handing_over() as handed:
        asked = [ask(client, f"{number} " + "x" * 3_000_000) for number in range(3)]
        assert list(background._awaited) == [one["id"] for one in asked[1:]]
        for one in asked:
            retrieve(client, one)
            retrieve(client, one)
        assert [found["id"] for found in handed.all()] == [one["id"] for one in asked[1:]]
        assert handed.lost == {"not_retrieved": 1}
