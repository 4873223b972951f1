import asyncio
import gc
import inspect
import sys
from typing import Any

import anthropic
import pydantic
import pytest

import api_hooks
from tests.api_hooks.integrations.stage import Handed, handing_over, said, turns
from tests.others.provider import Provider
from tests.others.provider_answers import REFUSAL

pytestmark = pytest.mark.usefixtures("all_watched")

TOOL: Any = {"name": "search_web", "description": "Searches.", "input_schema": {"type": "object", "properties": {}}}


def asked(text: str, **more: Any) -> dict[str, Any]:
    return {"model": "claude-haiku-5-5", "max_tokens": 100, "messages": said(text), **more}


def test_a_message_is_handed_over_as_it_was(claude: anthropic.Anthropic, handed: Handed) -> None:
    answer = claude.messages.create(
        **asked("Where? play: thinking,cached", system="Be brief.", tools=[TOOL], metadata={"user_id": "u-17"})
    )
    found = handed.one()
    assert (found["id"], found["id_given"], found["model"]) == (answer.id, True, "claude-haiku-5-5")
    assert (found["provider"], found["finish_reason"], found["tools"]) == ("127.0.0.1", "end_turn", ["search_web"])
    assert (found["user"], found["metadata"], found["streamed"]) == ("u-17", {}, False)
    cached = answer.usage.cache_read_input_tokens
    assert cached
    assert found["usage"] == {
        "prompt": answer.usage.input_tokens + cached,
        "completion": answer.usage.output_tokens,
        "cached": cached,
    }
    assert turns(found) == [
        ("system", "Be brief."),
        ("user", "Where? play: thinking,cached"),
        ("assistant", "You said: Where? play: thinking,cached"),
    ]


def test_tool_use_and_its_result_are_turns(claude: anthropic.Anthropic, handed: Handed) -> None:
    first = said("Weather? play: tool")
    answer = claude.messages.create(**asked("", tools=[TOOL]) | {"messages": first})
    found = handed.one()
    assert found["turns"][-1] == ["tool_call", '{"q": "weather in Bern"}', "search_web", None]
    assert found["finish_reason"] == "tool_use"
    use = answer.content[-1]
    result = {"type": "tool_result", "tool_use_id": use.id, "content": "Sunny"}  # type: ignore[union-attr]
    messages = [*first, {"role": "assistant", "content": answer.content}, {"role": "user", "content": [result]}]
    claude.messages.create(**asked("") | {"messages": messages})
    assert ["tool_result", "Sunny", "search_web", None] in handed.one()["turns"]


@pytest.mark.parametrize("play", ["", "tool", "refusal", "thinking,cached", "length"])
def test_a_streamed_message_says_what_an_unstreamed_one_does(
    claude: anthropic.Anthropic, handed: Handed, play: str
) -> None:
    given = asked(f"play: {play}", tools=[TOOL])
    claude.messages.create(**given)
    plain = handed.one()
    stream = claude.messages.create(**given, stream=True)
    assert type(stream) is anthropic.Stream
    for event in stream:
        assert event.type == "message_stop" or handed.all() == []
    events = handed.one()
    with claude.messages.stream(**given) as helper:
        answer = helper.get_final_message()
    helped = handed.one()
    assert helped["id"] == answer.id
    for streamed in (events, helped):
        assert streamed["streamed"] is True
        for name in ("turns", "finish_reason", "model", "provider"):
            assert streamed[name] == plain[name]
        assert streamed["usage"].keys() == plain["usage"].keys()


def test_a_refusal_is_what_the_assistant_said(claude: anthropic.Anthropic, handed: Handed) -> None:
    claude.messages.create(**asked("play: refusal"))
    found = handed.one()
    assert (found["finish_reason"], turns(found)[-1]) == ("refusal", ("assistant", REFUSAL))


def test_text_streams_of_the_helper_are_abandoned_where_they_are_left(
    claude: anthropic.Anthropic, handed: Handed
) -> None:
    with claude.messages.stream(**asked("hello play: packed")) as stream:
        for _ in stream.text_stream:
            break
    found = handed.one()
    assert (found["finish_reason"], found["streamed"]) == ("abandoned", True)
    assert turns(found)[-1] == ("assistant", "You ")


@pytest.mark.parametrize("by", ["close", "garbage"])
def test_a_stream_that_is_left_is_abandoned(claude: anthropic.Anthropic, handed: Handed, by: str) -> None:
    stream = claude.messages.create(**asked("play: tool,packed"), stream=True)
    for event in stream:
        if event.type == "content_block_delta" and event.delta.type == "input_json_delta":
            break
    if by == "close":
        stream.close()
    del stream
    gc.collect()
    found = handed.one()
    assert found["finish_reason"] == "abandoned"
    assert found["turns"][-1] == ["tool_call", '{"q": "w', "lookup", None]
    assert found["usage"]["prompt"] > 0


def test_an_error_amid_a_stream_passes_and_the_stream_is_abandoned(claude: anthropic.Anthropic, handed: Handed) -> None:
    with pytest.raises(anthropic.APIStatusError, match="Overloaded"):
        list(claude.messages.create(**asked("play: error"), stream=True))
    assert handed.one()["finish_reason"] == "abandoned"


@pytest.mark.parametrize(
    ("status", "error"), [(400, anthropic.BadRequestError), (429, anthropic.RateLimitError), (500, Exception)]
)
def test_an_error_passes_and_is_no_generation(
    claude: anthropic.Anthropic, handed: Handed, status: int, error: type[Exception]
) -> None:
    with pytest.raises(error, match=str(status)):
        claude.messages.create(**asked(f"play: {status}"))
    assert handed.all() == []


def test_beta_messages_raw_responses_and_streaming_responses_are_handed_over(
    claude: anthropic.Anthropic, handed: Handed
) -> None:
    given = asked("hello")
    assert claude.beta.messages.create(**given).id == handed.one()["id"]
    raw = claude.messages.with_raw_response.create(**given)
    assert raw.parse().id == handed.one()["id"]
    with claude.messages.with_streaming_response.create(**given) as response:
        assert handed.all() == []
        assert response.parse().id == handed.one()["id"]
    stream = claude.messages.with_raw_response.create(**given, stream=True).parse()
    assert [event.type for event in stream][-1] == "message_stop"
    assert handed.one()["finish_reason"] == "end_turn"


def test_the_beta_helpers_of_streams_and_of_tools_hand_over_every_call_once(
    claude: anthropic.Anthropic, handed: Handed
) -> None:
    if not hasattr(claude.beta.messages, "tool_runner"):
        pytest.skip("this version has none")
    with claude.beta.messages.stream(**asked("hello")) as helper:
        answer = helper.get_final_message()
    assert handed.one()["id"] == answer.id

    @anthropic.beta_tool
    def search_web(q: str) -> str:
        """Search the web."""
        return f"Sunny in {q}"

    answers = list(claude.beta.messages.tool_runner(**asked("play: tool*1"), tools=[search_web]))
    first, second = handed.all()
    assert [one.id for one in answers] == [first["id"], second["id"]]
    assert first["turns"][-1] == ["tool_call", '{"q": "weather in Bern"}', "search_web", None]
    # It goes on in a thread that the provider keeps: this is all that it sends.
    assert turns(second)[-2] == ("tool_result", "Sunny in weather in Bern")


def test_parse_is_handed_over_once(claude: anthropic.Anthropic, handed: Handed) -> None:
    class City(pydantic.BaseModel):
        city: str
        population: int

    parse = getattr(claude.messages, "parse", None)
    if parse is None:
        pytest.skip("this version has no parse")
    answer = parse(**asked("play: json"), output_format=City)
    assert answer.parsed_output == City(city="Bern", population=134_000)
    assert handed.one()["id"] == answer.id


def test_counting_tokens_is_no_generation(claude: anthropic.Anthropic, handed: Handed) -> None:
    with pytest.raises(anthropic.NotFoundError):
        claude.messages.count_tokens(model="m", messages=said("hi"))
    assert handed.all() == []


def test_asynchronous_clients_are_watched(provider: Provider, handed: Handed) -> None:
    async def play() -> None:
        async with anthropic.AsyncAnthropic(base_url=provider.url, api_key="k") as claude:
            answer = await claude.messages.create(**asked("hi"))
            assert handed.one()["id"] == answer.id
            with api_hooks.context(user="caller"):
                manager = claude.messages.stream(**asked("hi"))
                stream = await manager.__aenter__()
            answer = await stream.get_final_message()
            await stream.close()
            found = handed.one()
            assert (found["id"], found["user"], found["finish_reason"]) == (answer.id, "caller", "end_turn")
            events = await claude.messages.create(**asked("hi play: packed"), stream=True)
            async for event in events:
                if event.type == "content_block_delta":
                    break
            await events.close()
            found = handed.one()
            assert (found["finish_reason"], turns(found)[-1]) == ("abandoned", ("assistant", "You "))

    asyncio.run(play())


def test_claude_on_bedrock_is_watched(handed: Handed) -> None:
    if "api_key" not in inspect.signature(anthropic.AnthropicBedrock).parameters:
        pytest.skip("this version signs with botocore's keys only")
    httpx = sys.modules[anthropic.DefaultHttpxClient.__mro__[1].__module__.partition(".")[0]]
    message = {"id": "msg_bdrk_0123456789abcdef", "type": "message", "role": "assistant", "model": "claude"}
    message |= {"content": [{"type": "text", "text": "Hello."}], "usage": {"input_tokens": 3, "output_tokens": 2}}
    transport = httpx.Client(transport=httpx.MockTransport(lambda _: httpx.Response(200, json=message)))
    with anthropic.AnthropicBedrock(aws_region="us-east-1", api_key="k", http_client=transport) as claude:
        claude.messages.create(**asked("hi"))
    found = handed.one()
    assert (found["id"], found["provider"], found["model"]) == (message["id"], "bedrock", "claude")
    assert turns(found) == [("user", "hi"), ("assistant", "Hello.")]


def test_claude_on_vertex_is_watched_and_its_count_of_tokens_is_no_generation(provider: Provider) -> None:
    httpx = sys.modules[anthropic.DefaultHttpxClient.__mro__[1].__module__.partition(".")[0]]
    message = {"id": "msg_vrtx_0123456789abcdef", "type": "message", "role": "assistant", "model": "claude"}
    message |= {"content": [{"type": "text", "text": "Hello."}], "usage": {"input_tokens": 3, "output_tokens": 2}}

    def answer(request: Any) -> Any:
        is_count = "count-tokens" in str(request.url)
        return httpx.Response(200, json={"input_tokens": 3} if is_count else message)

    transport = httpx.Client(transport=httpx.MockTransport(answer))
    with (
        handing_over() as handed,
        anthropic.AnthropicVertex(region="us-east5", project_id="p", access_token="t", http_client=transport) as claude,
    ):
        claude.messages.create(**asked("hi"))
        found = handed.one()
        assert (found["id"], found["provider"]) == (message["id"], "google")
        claude.messages.count_tokens(model="claude", messages=said("hi"))
        assert handed.all() == []
        assert handed.lost == {"no_generation": 1}
