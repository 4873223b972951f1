import asyncio
import copy
import gc
import json
import pickle
from typing import Any

import openai
import pytest

from tests.api_hooks.integrations.stage import Handed, said, turns
from tests.others.provider import Provider

pytestmark = pytest.mark.usefixtures("all_watched")

ASKED: dict[str, Any] = {"model": "m", "messages": said("hello")}


def test_a_raw_response_is_handed_over_whether_or_not_it_is_parsed(client: openai.OpenAI, handed: Handed) -> None:
    raw = client.chat.completions.with_raw_response.create(**ASKED)
    found = handed.one()
    assert raw.headers["x-request-id"].endswith(found["id"].removeprefix("chatcmpl-"))
    assert turns(found)[-1] == ("assistant", "You said: hello")
    assert raw.parse().id == found["id"]
    assert handed.all() == []


def test_the_raw_response_of_a_stream_is_handed_over_when_the_stream_made_of_it_ends(
    client: openai.OpenAI, handed: Handed
) -> None:
    raw = client.chat.completions.with_raw_response.create(**ASKED, stream=True)
    assert handed.all() == []
    stream = raw.parse()
    assert type(stream) is openai.Stream
    list(stream)
    assert turns(handed.one())[-1] == ("assistant", "You said: hello")
    assert raw.parse() is stream
    assert "parse" not in vars(raw)


def test_a_stream_made_of_a_raw_response_is_abandoned_where_it_is_left(client: openai.OpenAI, handed: Handed) -> None:
    asked = ASKED | {"messages": said("hello play: packed")}
    stream = client.chat.completions.with_raw_response.create(**asked, stream=True).parse()
    next(stream)
    next(stream)
    stream.close()
    found = handed.one()
    assert (found["finish_reason"], turns(found)[-1]) == ("abandoned", ("assistant", "You "))


def read(raw: Any) -> None:
    raw.read()


def parse(raw: Any) -> None:
    raw.parse()


def as_json(raw: Any) -> None:
    raw.json()


def by_bytes(raw: Any) -> None:
    assert json.loads(b"".join(raw.iter_bytes(7)))["model"] == "m"


def by_lines(raw: Any) -> None:
    assert json.loads("".join(raw.iter_lines()))["model"] == "m"


@pytest.mark.parametrize("use", [read, parse, as_json, by_bytes, by_lines])
def test_a_streaming_response_is_recorded_as_far_as_the_application_reads_it(
    client: openai.OpenAI, handed: Handed, use: Any
) -> None:
    with client.chat.completions.with_streaming_response.create(**ASKED) as raw:
        assert handed.all() == []
        use(raw)
        found = handed.one()
    assert (found["finish_reason"], found["streamed"]) == ("stop", False)
    assert turns(found) == [("user", "hello"), ("assistant", "You said: hello")]
    assert handed.all() == []


def test_a_streaming_response_that_nobody_reads_is_recorded_without_an_answer(
    client: openai.OpenAI, handed: Handed
) -> None:
    with client.chat.completions.with_streaming_response.create(**ASKED) as raw:
        assert raw.headers["content-type"] == "application/json"
        assert not raw.is_closed
    found = handed.one()
    assert (found["finish_reason"], turns(found), found["model"]) == ("abandoned", [("user", "hello")], "m")


@pytest.mark.parametrize("play", ["", " play: packed"])
def test_events_that_the_application_decodes_itself_are_put_together(
    client: openai.OpenAI, handed: Handed, play: str
) -> None:
    asked = ASKED | {"messages": said("hello" + play)}
    with client.chat.completions.with_streaming_response.create(**asked, stream=True) as raw:
        lines = [line for line in raw.iter_lines() if line]
    assert lines[-1] == "data: [DONE]"
    found = handed.one()
    assert (found["finish_reason"], found["streamed"]) == ("stop", True)
    assert turns(found)[-1] == ("assistant", f"You said: hello{play}")


def test_a_stream_made_of_a_streaming_response_is_handed_over_once(client: openai.OpenAI, handed: Handed) -> None:
    with client.chat.completions.with_streaming_response.create(**ASKED, stream=True) as raw:
        chunks = list(raw.parse())
    assert handed.one()["id"] == chunks[0].id
    assert vars(raw.http_response).keys().isdisjoint({"close", "aclose", "iter_bytes", "aiter_bytes"})


def test_asynchronous_raw_and_streaming_responses_are_handed_over(provider: Provider, handed: Handed) -> None:
    async def play() -> None:
        async with openai.AsyncOpenAI(base_url=provider.url + "/v1", api_key="k") as client:
            await client.chat.completions.with_raw_response.create(**ASKED)
            assert turns(handed.one())[-1] == ("assistant", "You said: hello")
            async with client.chat.completions.with_streaming_response.create(**ASKED) as raw:
                assert (await raw.parse()).id == handed.one()["id"]
            async with client.chat.completions.with_streaming_response.create(**ASKED, stream=True) as raw:
                chunks = [chunk async for chunk in await raw.parse()]
            assert handed.one()["id"] == chunks[0].id
            async with client.chat.completions.with_streaming_response.create(**ASKED, stream=True) as raw:
                assert [line async for line in raw.iter_lines()]
            assert handed.one()["finish_reason"] == "stop"
            async with client.chat.completions.with_streaming_response.create(**ASKED):
                pass
            assert handed.one()["finish_reason"] == "abandoned"

    asyncio.run(play())


def test_a_raw_response_that_is_dropped_is_collected_and_recorded(client: openai.OpenAI, handed: Handed) -> None:
    client.chat.completions.with_raw_response.create(**ASKED, stream=True)
    gc.collect()
    assert handed.one()["finish_reason"] == "abandoned"


def pickled(response: Any) -> Any:
    return pickle.loads(pickle.dumps(response))  # noqa: S301 - our own


@pytest.mark.parametrize("copied", [copy.deepcopy, pickled])
def test_the_response_of_an_open_stream_is_pickled_and_copied_as_without_the_hook(
    copied: Any, client: openai.OpenAI, handed: Handed
) -> None:
    stream = client.chat.completions.create(**ASKED, stream=True)
    raw = client.chat.completions.with_raw_response.create(**ASKED, stream=True)
    for response in (stream.response, raw.http_response):
        made = copied(response)
        assert (made.status_code, made.headers) == (200, response.headers)
        made.close()
    assert handed.all() == []  # closing a copy is not closing the stream
    list(stream)
    list(raw.parse())
    assert [one["finish_reason"] for one in handed.all()] == ["stop", "stop"]
