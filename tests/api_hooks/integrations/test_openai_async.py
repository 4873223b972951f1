import asyncio
import gc
from collections.abc import Awaitable, Callable
from typing import Any

import openai
import pytest

import api_hooks
from tests.api_hooks.integrations.stage import Handed, said, turns
from tests.others.provider import Provider
from tests.waiting import wait_until

pytestmark = pytest.mark.usefixtures("all_watched")

Play = Callable[[openai.AsyncOpenAI], Awaitable[Any]]


@pytest.fixture
def played(provider: Provider) -> Callable[[Play], Any]:
    """Run what a coroutine does with a client, in a loop of its own."""

    async def run(play: Play) -> Any:
        async with openai.AsyncOpenAI(base_url=provider.url + "/v1", api_key="k", max_retries=0) as client:
            return await play(client)

    return lambda play: asyncio.run(run(play))


async def opened(client: openai.AsyncOpenAI, text: str) -> Any:
    return await client.chat.completions.create(model="m", messages=said(text), stream=True)


def test_a_call_is_handed_over(played: Callable[[Play], Any], handed: Handed) -> None:
    answer = played(lambda client: client.chat.completions.create(model="m", messages=said("hi")))
    found = handed.one()
    assert (found["id"], turns(found)[-1]) == (answer.id, ("assistant", "You said: hi"))


def test_a_stream_is_handed_over_when_it_ends(played: Callable[[Play], Any], handed: Handed) -> None:
    async def play(client: openai.AsyncOpenAI) -> Any:
        stream = await opened(client, "hi")
        assert type(stream) is openai.AsyncStream
        seen = []
        async for chunk in stream:
            assert handed.all() == []
            seen.append(chunk)
        return seen

    seen = played(play)
    found = handed.one()
    assert (found["id"], found["finish_reason"], found["streamed"]) == (seen[0].id, "stop", True)
    assert turns(found)[-1] == ("assistant", "You said: hi")


async def close(stream: Any) -> None:
    await stream.close()


async def close_the_response(stream: Any) -> None:
    await stream.response.aclose()


async def leave(stream: Any) -> None:
    """To the garbage collector."""


async def fail(stream: Any) -> None:
    with pytest.raises(ZeroDivisionError):
        async with stream:
            raise ZeroDivisionError


@pytest.mark.parametrize("end", [close, close_the_response, leave, fail])
@pytest.mark.parametrize("chunks", [0, 2])
def test_an_abandoned_stream_is_recorded_with_what_was_read_of_it(
    played: Callable[[Play], Any], handed: Handed, end: Callable[[Any], Awaitable[None]], chunks: int
) -> None:
    async def play(client: openai.AsyncOpenAI) -> None:
        stream = await opened(client, "hi play: packed")
        for _ in range(chunks):
            await stream.__anext__()
        await end(stream)

    played(play)
    gc.collect()
    found = handed.one()
    assert found["finish_reason"] == "abandoned"
    assert turns(found)[1:] == ([("assistant", "You ")] if chunks else [])


def test_a_cancelled_call_is_no_generation(played: Callable[[Play], Any], handed: Handed, provider: Provider) -> None:
    def is_under_way() -> bool:
        seen = list(provider.requests)  # at once: the provider's thread adds to it
        return any("to be cancelled" in str(one["body"]) for one in seen)

    async def play(client: openai.AsyncOpenAI) -> None:
        task = asyncio.create_task(
            client.chat.completions.create(model="m", messages=said("play: wait:60 to be cancelled"))
        )  # type: ignore[arg-type]
        await asyncio.to_thread(wait_until, is_under_way, what="a call under way")
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    played(play)
    assert handed.all() == []


def test_an_error_passes_and_is_no_generation(played: Callable[[Play], Any], handed: Handed) -> None:
    with pytest.raises(openai.RateLimitError):
        played(lambda client: client.chat.completions.create(model="m", messages=said("play: 429")))
    assert handed.all() == []


def test_calls_side_by_side_each_have_their_own_context(played: Callable[[Play], Any], handed: Handed) -> None:
    async def play(client: openai.AsyncOpenAI) -> None:
        async def call(number: int) -> None:
            with api_hooks.context(user=f"u-{number}"):
                async for _ in await opened(client, f"question {number}"):
                    pass

        await asyncio.gather(*(call(number) for number in range(20)))

    played(play)
    assert {(found["user"], found["turns"][0][1]) for found in handed.all()} == {
        (f"u-{number}", f"question {number}") for number in range(20)
    }


def test_the_helpers_count_once(played: Callable[[Play], Any], handed: Handed) -> None:
    async def play(client: openai.AsyncOpenAI) -> Any:
        async with client.responses.stream(model="m", input="hi") as stream:
            await stream.until_done()
            return await stream.get_final_response()

    assert handed.all() == []
    answer = played(play)
    assert handed.one()["id"] == answer.id
