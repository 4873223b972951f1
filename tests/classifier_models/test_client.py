"""The client's promise: nothing is raised but a cancellation, and calls do not disturb each other."""

import asyncio
import logging

import pytest

from classifier_models.client import ModelClient
from classifier_models.question import Prepared
from classifier_models.reply import Answered, Case, Unanswered
from tests.classifier_models.conftest import Ask, EndpointOf, question
from tests.model_server import ModelServer


def test_a_cancelled_call_is_cancelled_and_the_client_goes_on(prepared: Prepared, endpoint_of: EndpointOf) -> None:
    async def run() -> object:
        client = ModelClient()
        hung = asyncio.create_task(client.ask(endpoint_of(), question(prepared, "USER: play: hang"), 30))
        good = await client.ask(endpoint_of(), question(prepared, "USER: hi"), 10)
        hung.cancel()
        with pytest.raises(asyncio.CancelledError):
            await hung
        await client.aclose()
        return good

    assert isinstance(asyncio.run(run()), Answered)


def test_closing_with_a_call_hung_does_not_wait_for_it(prepared: Prepared, endpoint_of: EndpointOf) -> None:
    async def run() -> object:
        client = ModelClient()
        hung = asyncio.create_task(client.ask(endpoint_of(), question(prepared, "USER: play: hang"), 30))
        await client.ask(endpoint_of(), question(prepared, "USER: hi"), 10)
        await client.aclose()
        return await hung

    reply = asyncio.run(run())
    assert isinstance(reply, Unanswered)
    assert reply.case is Case.UNREACHABLE
    assert reply.latency_ms < 10_000


def test_what_nobody_foresaw_is_an_ending_too_and_is_logged_without_text(
    ask: Ask, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        reply = ask("USER: TEXT-OF-A-PERSON", model=["no name"])
    assert isinstance(reply, Unanswered)
    assert (reply.case, reply.detail) == (Case.UNREADABLE, "TypeError")
    assert "TypeError" in caplog.text
    assert "TEXT-OF-A-PERSON" not in caplog.text


def test_a_script_of_failures_is_followed_call_by_call(ask: Ask, model_server: ModelServer) -> None:
    replies = [ask("USER: play: 500*2\nplay-id: twice-then-good") for _ in range(3)]
    assert [isinstance(reply, Answered) for reply in replies] == [False, False, True]
    assert model_server.calls("twice-then-good") == 3


def test_two_hundred_calls_at_once_get_each_their_own_answer(prepared: Prepared, endpoint_of: EndpointOf) -> None:
    values = ["legal", "sales", "engineering"]

    async def run() -> list[object]:
        client = ModelClient()
        asked = [question(prepared, f"USER: {n}\nplay-answer: department={values[n % 3]}") for n in range(200)]
        replies = await asyncio.gather(*(client.ask(endpoint_of(), each, 30) for each in asked))
        await client.aclose()
        return [reply.tags["department"] for reply in replies if isinstance(reply, Answered)]

    assert asyncio.run(run()) == [values[n % 3] for n in range(200)]
