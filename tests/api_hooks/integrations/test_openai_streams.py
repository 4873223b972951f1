import asyncio
import gc
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import openai
import pytest

import api_hooks
from api_hooks.integrations.stainless import streams
from tests.api_hooks.integrations.stage import Handed, handing_over, said, turns
from tests.others.provider import Provider
from tests.others.provider_answers import REFUSAL

pytestmark = pytest.mark.usefixtures("all_watched")


def opened(client: openai.OpenAI, text: str, **more: Any) -> Any:
    return client.chat.completions.create(model="m", messages=said(text), stream=True, **more)


def text_of(chunks: Any) -> str:
    return "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)


def test_a_stream_is_handed_over_when_it_ends_and_not_before(client: openai.OpenAI, handed: Handed) -> None:
    stream = opened(client, "tell me", stream_options={"include_usage": True})
    seen = []
    for chunk in stream:
        assert handed.all() == []
        seen.append(chunk)
    found = handed.one()
    assert (found["id"], found["streamed"], found["finish_reason"]) == (seen[0].id, True, "stop")
    assert turns(found) == [("user", "tell me"), ("assistant", text_of(seen))]
    assert found["usage"]["prompt"] == seen[-1].usage.prompt_tokens


def test_nothing_is_asked_for_that_the_application_does_not_ask_for(
    client: openai.OpenAI, provider: Provider, handed: Handed
) -> None:
    list(opened(client, "hi"))
    assert provider.requests[-1]["body"] == {"model": "m", "messages": said("hi"), "stream": True}
    assert handed.one()["usage"] == {}


def test_the_application_has_the_sdks_own_stream_with_the_same_chunks(client: openai.OpenAI, handed: Handed) -> None:
    watched = opened(client, "the same")
    chunks = [chunk.model_dump(exclude={"id"}) for chunk in watched]
    api_hooks.uninstrument_openai()
    plain = opened(client, "the same")
    assert type(watched) is type(plain) is openai.Stream
    assert vars(watched).keys() == vars(plain).keys()
    assert chunks == [chunk.model_dump(exclude={"id"}) for chunk in plain]
    assert vars(watched.response).keys() == vars(plain.response).keys()


def test_chunks_come_as_they_arrive(client: openai.OpenAI, provider: Provider, handed: Handed) -> None:
    stream = opened(client, "play: asked,words:5")
    arrivals = []
    provider.send_one_more()
    for _ in stream:  # which would wait for ever if it read ahead: the next chunk is sent now
        arrivals.append(time.perf_counter())
        provider.send_one_more()
    assert len(arrivals) > 5
    assert handed.one()["latency_ms"] >= (arrivals[-1] - arrivals[0]) * 1000


def test_chunks_that_the_application_changes_are_recorded_as_they_came(client: openai.OpenAI, handed: Handed) -> None:
    for chunk in opened(client, "hello"):
        for choice in chunk.choices:
            choice.delta.content = "changed"
    assert turns(handed.one())[-1] == ("assistant", "You said: hello")


def test_the_streams_helper_counts_once(client: openai.OpenAI, handed: Handed) -> None:
    helper = getattr(client.chat.completions, "stream", None) or client.beta.chat.completions.stream
    with helper(model="m", messages=said("play: tool")) as stream:
        stream.until_done()
        answer = stream.get_final_completion()
    found = handed.one()
    assert found["id"] == answer.id
    assert found["turns"][-1] == ["tool_call", '{"q": "weather in Bern"}', "lookup", None]


def test_a_streamed_refusal_is_what_the_assistant_said(client: openai.OpenAI, handed: Handed) -> None:
    list(opened(client, "play: refusal"))
    assert turns(handed.one())[-1] == ("assistant", REFUSAL)


def test_streamed_legacy_completions_are_put_together(client: openai.OpenAI, handed: Handed) -> None:
    list(client.completions.create(model="m", prompt="Once", stream=True))
    assert turns(handed.one()) == [("user", "Once"), ("assistant", "You said: Once")]


def test_a_server_that_ends_without_done_ends_the_stream_all_the_same(client: openai.OpenAI, handed: Handed) -> None:
    assert text_of(opened(client, "play: undone")) == "You said: play: undone"
    assert handed.one()["finish_reason"] == "stop"


def leave_by_break(stream: Any) -> None:
    for chunk in stream:
        if text_of([chunk]):
            break
    stream.close()


def leave_by_context(stream: Any) -> None:
    with stream:
        for chunk in stream:
            if text_of([chunk]):
                return


def leave_by_exception(stream: Any) -> None:
    def fail() -> None:
        with stream:
            for chunk in stream:
                if text_of([chunk]):
                    raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()


def leave_by_close_amid(stream: Any) -> None:
    while not text_of([next(stream)]):
        pass
    stream.response.close()


def leave_to_the_garbage_collector(stream: Any) -> None:
    for chunk in stream:
        if text_of([chunk]):
            break


@pytest.mark.parametrize(
    "leave",
    [leave_by_break, leave_by_context, leave_by_exception, leave_by_close_amid, leave_to_the_garbage_collector],
)
@pytest.mark.parametrize("play", ["", "play: packed"])
def test_an_abandoned_stream_is_recorded_with_what_was_read_of_it(
    client: openai.OpenAI, handed: Handed, leave: Callable[[Any], None], play: str
) -> None:
    leave(opened(client, "abandoned " + play))
    gc.collect()
    found = handed.one()
    assert (found["finish_reason"], found["streamed"]) == ("abandoned", True)
    assert turns(found)[-1] == ("assistant", "You ")
    assert found["id_given"]


def test_a_stream_that_nobody_reads_is_abandoned(client: openai.OpenAI, handed: Handed) -> None:
    opened(client, "closed").close()
    assert (handed.one())["finish_reason"] == "abandoned"
    opened(client, "dropped")
    gc.collect()
    found = handed.one()
    assert (found["finish_reason"], turns(found)) == ("abandoned", [("user", "dropped")])


def test_who_stops_reading_when_the_model_has_stopped_has_all_of_it(client: openai.OpenAI, handed: Handed) -> None:
    stream = opened(client, "hello")
    for chunk in stream:
        if chunk.choices[0].finish_reason:
            break
    stream.close()
    found = handed.one()
    assert (found["finish_reason"], turns(found)[-1]) == ("stop", ("assistant", "You said: hello"))


@pytest.mark.parametrize(("play", "error"), [("error", openai.APIError), ("cut", Exception)])
def test_an_error_amid_a_stream_passes_and_the_stream_is_abandoned(
    client: openai.OpenAI, handed: Handed, play: str, error: type[Exception]
) -> None:
    def raised() -> tuple[type[Exception], str]:
        """Not the error itself: in older versions its traceback would keep the stream from ending."""
        with pytest.raises(error) as caught:
            list(opened(client, f"play: {play}"))
        return type(caught.value), str(caught.value)

    watched = raised()
    gc.collect()
    found = handed.one()
    assert found["finish_reason"] == "abandoned"
    assert turns(found)[-1][1].startswith("You said:")
    api_hooks.uninstrument_openai()
    assert watched == raised()


def test_a_stream_belongs_to_the_context_that_its_call_began_in(client: openai.OpenAI, handed: Handed) -> None:
    with api_hooks.context(workspace="beta", user="caller"):
        stream = opened(client, "hi")
    with api_hooks.context(workspace="gamma", user="reader", session_id="reader"):
        reader = threading.Thread(target=list, args=[stream])
        reader.start()
        reader.join(30)
        list(stream)
    found = handed.one()
    assert (found["workspace"], found["user"], found["session_id"]) == ("beta", "caller", None)


def test_a_long_stream_is_kept_in_bounded_memory(client: openai.OpenAI, handed: Handed) -> None:
    words = 3_000
    stream = opened(client, f"play: words:{words}")
    most = 0
    for _ in stream:
        listener = stream._decoder._listener
        most = max(most, listener._size)
    assert most < streams.PILE_CHARACTERS + 1_000
    text = " ".join(f"word{number}" for number in range(words))
    assert handed.one()["turns"][-1] == ["assistant", text[:5_001], None, len(text)]


def test_a_stream_whose_events_cannot_be_kept_passes_and_is_counted_once(client: openai.OpenAI) -> None:
    class Odd:
        """An event of a version of the SDK that names its text otherwise."""

    with handing_over() as handed:
        stream = opened(client, "hi")
        listener = stream._decoder._listener
        listener.add(Odd())
        listener.add(Odd())
        assert len(list(stream)) > 1
        assert (handed.all(), handed.lost) == ([], {"bad_input": 1})


def responses(client: openai.OpenAI, text: str, *, upto: int | None = None) -> list[Any]:
    stream = client.responses.create(model="m", input=text, stream=True)
    events: Iterator[Any] = iter(stream)
    seen = [event for _, event in zip(range(upto), events, strict=False)] if upto else list(events)
    stream.close()
    return seen


@pytest.mark.parametrize("play", ["", "tool", "refusal", "thinking", "length"])
def test_streamed_responses_say_what_unstreamed_ones_do(client: openai.OpenAI, handed: Handed, play: str) -> None:
    text = f"play: {play}"
    client.responses.create(model="m", input=text)
    plain = handed.one()
    responses(client, text)
    streamed = handed.one()
    for name in ("turns", "finish_reason", "model", "provider"):
        assert streamed[name] == plain[name]
    assert streamed["usage"].keys() == plain["usage"].keys()


def test_an_abandoned_response_says_what_came_of_it(client: openai.OpenAI, handed: Handed) -> None:
    seen = responses(client, "hello there", upto=6)
    found = handed.one()
    assert found["id"] == seen[0].response.id
    assert (found["finish_reason"], turns(found)[-1]) == ("abandoned", ("assistant", "You said: "))
    responses(client, "play: tool", upto=4)
    found = handed.one()
    assert found["turns"][-1] == ["tool_call", '{"q": "w', "lookup", None]


def test_the_responses_helper_counts_once(client: openai.OpenAI, handed: Handed) -> None:
    with client.responses.stream(model="m", input="hello") as stream:
        answer = stream.until_done().get_final_response()
    assert handed.one()["id"] == answer.id


def test_a_cancelled_task_abandons_its_stream(provider: Provider, handed: Handed) -> None:
    async def play() -> None:
        async with openai.AsyncOpenAI(base_url=provider.url + "/v1", api_key="k") as client:
            begun = asyncio.Event()

            async def read() -> None:
                stream = await client.chat.completions.create(
                    model="m", messages=said("play: slow:0.2,words:50"), stream=True
                )
                async for chunk in stream:
                    if text_of([chunk]):
                        begun.set()

            task = asyncio.create_task(read())
            await begun.wait()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            gc.collect()

    asyncio.run(play())
    found = handed.one()
    kind, text = turns(found)[-1]
    assert (found["finish_reason"], kind) == ("abandoned", "assistant")
    assert text.startswith("word0 ")
    assert "word49" not in text
