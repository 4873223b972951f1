import gc
import json
import weakref
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import openai
import pydantic
import pytest

import api_hooks
from tests.api_hooks.integrations.stage import Handed, handing_over, said, turns
from tests.others.provider import Provider
from tests.others.provider_answers import COST, REFUSAL

pytestmark = pytest.mark.usefixtures("all_watched")

TOOL: Any = {"type": "function", "function": {"name": "search_web", "parameters": {"type": "object", "properties": {}}}}
FLAT_TOOL: Any = {"type": "function", "name": "search_web", "parameters": {"type": "object", "properties": {}}}


class City(pydantic.BaseModel):
    city: str
    population: int


class Lake(pydantic.BaseModel):
    depth: int


def test_a_chat_completion_is_handed_over_as_it_was(client: openai.OpenAI, handed: Handed) -> None:
    before = datetime.now(UTC)
    answer = client.chat.completions.create(
        model="gpt-5-mini",
        messages=[{"role": "system", "content": "Be brief."}, *said("Where is Bern? play: thinking,cached")],
        tools=[TOOL],
    )
    found = handed.one()
    assert (found["id"], found["id_given"]) == (answer.id, True)
    assert (found["model"], found["provider"], found["streamed"]) == ("gpt-5-mini", "127.0.0.1", False)
    assert (found["workspace"], found["finish_reason"], found["tools"]) == ("acme", "stop", ["search_web"])
    assert answer.usage is not None
    assert found["usage"] == {
        "prompt": answer.usage.prompt_tokens,
        "completion": answer.usage.completion_tokens,
        "cached": answer.usage.prompt_tokens // 2,
        "reasoning": 7,
    }
    assert turns(found) == [
        ("system", "Be brief."),
        ("user", "Where is Bern? play: thinking,cached"),
        ("assistant", "You said: Where is Bern? play: thinking,cached"),
    ]
    assert before - timedelta(seconds=0.1) < datetime.fromisoformat(found["created_at"]) < datetime.now(UTC)


def test_times_are_those_of_the_attempt_that_succeeded(
    open_client: Callable[..., openai.OpenAI], handed: Handed
) -> None:
    client = open_client(max_retries=2)
    begun = datetime.now(UTC)
    client.chat.completions.create(model="m", messages=said("times play: wait:0.2,429*2"))
    ended = datetime.now(UTC)
    found = handed.one()
    created_at, attempt = datetime.fromisoformat(found["created_at"]), timedelta(seconds=0.19)
    assert begun + 2 * attempt <= created_at <= ended - attempt
    assert attempt <= timedelta(milliseconds=found["latency_ms"]) <= ended - begun - 2 * attempt


def test_a_tool_call_and_its_result_are_turns(client: openai.OpenAI, handed: Handed) -> None:
    messages = said("Weather? play: tool")
    answer = client.chat.completions.create(model="m", messages=messages, tools=[TOOL])
    asked = handed.one()
    assert asked["turns"][-1] == ["tool_call", '{"q": "weather in Bern"}', "search_web", None]
    assert asked["finish_reason"] == "tool_calls"
    call = answer.choices[0].message
    assert call.tool_calls is not None
    messages += [call, {"role": "tool", "tool_call_id": call.tool_calls[0].id, "content": "Sunny"}, *said("So?")]
    client.chat.completions.create(model="m", messages=messages)
    assert handed.one()["turns"][1:4] == [
        ["tool_call", '{"q": "weather in Bern"}', "search_web", None],
        ["tool_result", "Sunny", "search_web", None],
        ["user", "So?", None, None],
    ]


def test_responses_are_handed_over_with_instructions_tools_and_conversation(
    client: openai.OpenAI, handed: Handed
) -> None:
    answer = client.responses.create(
        model="gpt-5",
        instructions="Be brief.",
        input="Weather? play: tool,thinking",
        tools=[FLAT_TOOL],
        extra_body={"conversation": {"id": "conv_1"}},
    )
    found = handed.one()
    assert (found["id"], found["model"], found["session_id"]) == (answer.id, "gpt-5", "conv_1")
    assert (found["finish_reason"], found["tools"], found["usage"]["reasoning"]) == ("completed", ["search_web"], 7)
    assert [kind for kind, *_ in found["turns"]] == ["system", "user", "tool_call"]


def test_a_cut_response_names_the_reason(client: openai.OpenAI, handed: Handed) -> None:
    client.responses.create(model="m", input="play: length")
    assert handed.one()["finish_reason"] == "max_output_tokens"


def test_legacy_completions_are_handed_over_with_their_prompt(client: openai.OpenAI, handed: Handed) -> None:
    answer = client.completions.create(model="m", prompt="Once upon a time")
    found = handed.one()
    assert found["id"] == answer.id
    assert turns(found) == [("user", "Once upon a time"), ("assistant", "You said: Once upon a time")]


def test_parse_is_handed_over_once_and_gives_the_callers_type(client: openai.OpenAI, handed: Handed) -> None:
    parse = getattr(client.chat.completions, "parse", None) or client.beta.chat.completions.parse
    answer = parse(model="m", messages=said("play: json"), response_format=City)
    assert answer.choices[0].message.parsed == City(city="Bern", population=134_000)
    found = handed.one()
    assert found["id"] == answer.id
    assert json.loads(found["turns"][-1][1]) == {"city": "Bern", "population": 134_000}


def test_an_answer_that_does_not_fit_the_callers_type_was_generated_all_the_same(
    client: openai.OpenAI, handed: Handed
) -> None:
    parse = getattr(client.chat.completions, "parse", None) or client.beta.chat.completions.parse
    with pytest.raises(pydantic.ValidationError):
        parse(model="m", messages=said("play: json"), response_format=Lake)
    assert handed.one()["turns"][-1][1] == '{"city": "Bern", "population": 134000}'
    with pytest.raises(openai.LengthFinishReasonError):
        parse(model="m", messages=said("play: length"), response_format=Lake)
    assert handed.one()["finish_reason"] == "length"


def test_a_refusal_is_what_the_assistant_said(client: openai.OpenAI, handed: Handed) -> None:
    client.chat.completions.create(model="m", messages=said("play: refusal"))
    assert turns(handed.one())[-1] == ("assistant", REFUSAL)


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (400, openai.BadRequestError),
        (401, openai.AuthenticationError),
        (429, openai.RateLimitError),
        (500, openai.InternalServerError),
    ],
)
def test_an_error_passes_as_it_is_and_is_no_generation(
    client: openai.OpenAI, handed: Handed, status: int, error: type[openai.APIStatusError]
) -> None:
    def raised() -> openai.APIStatusError:
        with pytest.raises(error) as caught:
            client.chat.completions.create(model="m", messages=said(f"play: {status}"))
        return caught.value

    watched = raised()
    api_hooks.uninstrument_openai()
    plain = raised()
    assert (type(watched), str(watched), watched.body) == (type(plain), str(plain), plain.body)
    assert [frame.name for frame in frames(watched)] == [frame.name for frame in frames(plain)]
    assert handed.all() == []


def frames(error: BaseException) -> list[Any]:
    import traceback

    return list(traceback.extract_tb(error.__traceback__))


def test_a_connection_that_is_refused_is_no_generation(
    open_client: Callable[..., openai.OpenAI], handed: Handed
) -> None:
    with pytest.raises(openai.APIConnectionError):
        open_client(base_url="http://127.0.0.1:1/v1").chat.completions.create(model="m", messages=said("hi"))
    assert handed.all() == []


def test_other_calls_of_the_client_are_no_generations(client: openai.OpenAI, handed: Handed) -> None:
    assert client.models.list().data[0].id == "gpt-5-mini"
    assert handed.all() == []


def test_who_is_behind_a_call_is_read_from_its_parameters_and_headers(
    open_client: Callable[..., openai.OpenAI], handed: Handed
) -> None:
    client = open_client(default_headers={"HTTP-Referer": "https://helpdesk.example", "X-Title": "Helpdesk"})
    client.chat.completions.create(model="m", messages=said("hi"), user="u-17", metadata={"team": "red"})
    found = handed.one()
    assert (found["app"], found["user"], found["metadata"]) == ("Helpdesk", "u-17", {"team": "red"})
    client.chat.completions.create(
        model="m", messages=said("hi"), extra_headers={"X-Title": "Console"}, extra_body={"safety_identifier": "s-1"}
    )
    found = handed.one()
    assert (found["app"], found["user"]) == ("Console", "s-1")
    open_client(default_headers={"HTTP-Referer": "https://helpdesk.example"}).completions.create(model="m", prompt="a")
    assert handed.one()["app"] == "https://helpdesk.example"


def test_a_context_around_a_call_is_nearer_to_it_than_its_clients_header(
    open_client: Callable[..., openai.OpenAI],
) -> None:
    client = open_client(default_headers={"X-Title": "Helpdesk"})
    with handing_over(app="configured") as handed:
        with api_hooks.context(app="Console"):
            client.chat.completions.create(model="m", messages=said("hi"))
        assert handed.one()["app"] == "Console"
        client.chat.completions.create(model="m", messages=said("hi"))
        assert handed.one()["app"] == "Helpdesk"


def test_what_the_call_says_itself_wins_over_the_context_around_it(client: openai.OpenAI, handed: Handed) -> None:
    with api_hooks.context(workspace="beta", user="outer", session_id="s-1", metadata={"team": "blue", "run": "7"}):
        client.chat.completions.create(model="m", messages=said("hi"), user="u-17", metadata={"team": "red"})
    found = handed.one()
    assert (found["workspace"], found["user"], found["session_id"]) == ("beta", "u-17", "s-1")
    assert found["metadata"] == {"team": "red", "run": "7"}


def test_what_a_gateway_charged_is_the_cost(
    open_client: Callable[..., openai.OpenAI], provider: Provider, handed: Handed
) -> None:
    open_client(base_url=provider.url + "/api/v1").chat.completions.create(model="m", messages=said("hi"))
    assert handed.one()["cost_usd"] == COST


def test_azure_clients_are_watched_and_their_deployments_named(
    open_client: Callable[..., Any], provider: Provider, handed: Handed
) -> None:
    azure = open_client(
        openai.AzureOpenAI, base_url=None, azure_endpoint=provider.url, api_version="2025-01-01", api_key="k"
    )
    answer = azure.chat.completions.create(model="my-deployment", messages=said("hi"))
    assert provider.requests[-1]["path"].startswith("/openai/deployments/my-deployment/chat/completions")
    found = handed.one()
    assert (found["id"], found["model"]) == (answer.id, "my-deployment")


def test_messages_that_change_right_after_the_call_are_recorded_as_they_were(
    client: openai.OpenAI, handed: Handed
) -> None:
    messages = said("first")
    answer = client.chat.completions.create(model="m", messages=messages)
    messages[0]["content"] = "changed"
    messages.append({"role": "assistant", "content": "more"})
    answer.choices[0].message.content = "changed, too"
    assert turns(handed.one()) == [("user", "first"), ("assistant", "You said: first")]


def test_an_iterator_of_messages_is_sent_and_recorded_whole(client: openai.OpenAI, handed: Handed) -> None:
    client.chat.completions.create(model="m", messages=iter(said("from an iterator")))
    assert turns(handed.one())[0] == ("user", "from an iterator")


def test_what_waits_is_counted_with_what_surrounds_it(client: openai.OpenAI) -> None:
    with handing_over(flush_seconds=60.0):
        client.chat.completions.create(model="m", messages=said("x" * 10_000))
        assert 15_000 < api_hooks.stats().waiting_bytes < 17_000


def test_neither_request_nor_response_is_kept_while_a_call_waits(open_client: Callable[..., openai.OpenAI]) -> None:
    seen: list[Any] = []
    watching = {"response": [lambda response: seen.extend((weakref.ref(response), weakref.ref(response.request)))]}
    client = open_client(http_client=openai.DefaultHttpxClient(event_hooks=watching))
    with handing_over(flush_seconds=60.0):
        client.chat.completions.create(model="m", messages=said("hi"))
        gc.collect()
        assert api_hooks.stats().waiting == 1
        assert [kept() for kept in seen] == [None, None]
