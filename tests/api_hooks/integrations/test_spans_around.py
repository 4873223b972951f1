"""A call inside of another instrument's open span tells it under which id it is handed over."""

import asyncio
import gc
from collections.abc import Callable, Iterator
from typing import Any

import openai
import pytest

from api_hooks import open_spans
from tests.api_hooks.integrations.stage import Handed, said
from tests.api_hooks.test_open_spans import Span, told
from tests.others.provider import Provider

pytestmark = pytest.mark.usefixtures("all_watched")

Asking = Callable[..., Any]


@pytest.fixture
def span() -> Iterator[Span]:
    token = open_spans._started.set(())
    started = Span()
    open_spans.start(started)
    yield started
    open_spans._started.reset(token)


def chat(client: Any, text: str) -> None:
    client.chat.completions.create(model="m", messages=said(text))


def stream(client: Any, text: str) -> None:
    list(client.chat.completions.create(model="m", messages=said(text), stream=True))


def abandoned(client: Any, text: str) -> None:
    with client.chat.completions.create(model="m", messages=said(text), stream=True) as chunks:
        next(iter(chunks))


def raw(client: Any, text: str) -> None:
    client.chat.completions.with_raw_response.create(model="m", messages=said(text)).parse()


def body(client: Any, text: str) -> None:
    with client.chat.completions.with_streaming_response.create(model="m", messages=said(text)) as response:
        response.read()


def raw_stream(client: Any, text: str) -> None:
    with client.chat.completions.with_streaming_response.create(
        model="m", messages=said(text), stream=True
    ) as response:
        list(response.iter_lines())


def responses(client: Any, text: str) -> None:
    client.responses.create(model="m", input=text)


def response_stream(client: Any, text: str) -> None:
    list(client.responses.create(model="m", input=text, stream=True))


@pytest.mark.parametrize("plays", ["", "words:20000", "counted", "tool"])
@pytest.mark.parametrize("ask", [chat, stream, abandoned, raw, body, raw_stream, responses, response_stream])
def test_the_span_is_told_the_id_of_what_is_handed_over(
    ask: Asking, plays: str, client: openai.OpenAI, handed: Handed, span: Span
) -> None:
    ask(client, f"hello play: {plays}" if plays else "hello")
    found = handed.one()
    assert told(span) == found["id"]
    assert found["id_given"]
    assert span.attributes["aftertag.generation_model"] == "m"


def chat_events(client: Any, text: str) -> Any:
    return iter(client.chat.completions.create(model="m", messages=said(text), stream=True))


def response_events(client: Any, text: str) -> Any:
    return iter(client.responses.create(model="m", input=text, stream=True))


def raw_events(client: Any, text: str) -> Any:
    made = client.chat.completions.with_raw_response.create(model="m", messages=said(text), stream=True)
    return made.http_response.iter_bytes()


@pytest.mark.parametrize("plays", ["", "words:20000", "counted", "tool"])
@pytest.mark.parametrize("begin", [chat_events, response_events, raw_events])
def test_a_span_that_ends_before_its_stream_is_found_abandoned_was_told_the_id_already(
    begin: Callable[[Any, str], Any], plays: str, client: openai.OpenAI, handed: Handed, span: Span
) -> None:
    events = begin(client, f"hello play: {plays}" if plays else "hello")
    next(events)
    span.end_time = 1
    del events
    gc.collect()
    found = handed.one()
    assert found["finish_reason"] == "abandoned"
    assert told(span) == found["id"]
    assert found["id_given"]


def test_the_next_call_in_the_same_span_has_an_id_of_its_own(client: openai.OpenAI, handed: Handed, span: Span) -> None:
    for _ in range(2):
        chat(client, "hello")
    first, second = handed.all()
    assert told(span) == first["id"] != second["id"]


def test_a_coroutines_stream_tells_its_span(provider: Provider, handed: Handed, span: Span) -> None:
    async def ask() -> None:
        async with openai.AsyncOpenAI(base_url=provider.url + "/v1", api_key="k") as client:
            async for _ in await client.chat.completions.create(model="m", messages=said("hello"), stream=True):
                pass

    asyncio.run(ask())
    assert told(span) == handed.one()["id"]


def test_messages_of_anthropics_tell_their_span(claude: Any, handed: Handed, span: Span) -> None:
    with claude.messages.stream(model="m", max_tokens=9, messages=said("hello")) as events:
        list(events)
    assert told(span) == handed.one()["id"]
