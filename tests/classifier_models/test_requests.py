"""What goes over the wire: the marker, the schema, the transcript as the last message, and providers' quirks."""

import asyncio
import json
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from classifier_models.client import ModelClient
from classifier_models.question import Prepared
from classifier_models.reply import Answered, Case, Reply, Unanswered
from tests.classifier_models.conftest import MARK, Ask, EndpointOf, question
from tests.model_server import ModelServer, Request


def last(model_server: ModelServer) -> Request:
    return model_server.play.requests[-1]


@pytest.fixture
def body_of(ask: Ask, endpoint_of: EndpointOf, model_server: ModelServer) -> Any:
    def of(name: str, transcript: str = "USER: hi", dialect: str = "chat", **asked: object) -> Mapping[str, Any]:
        ask(transcript, endpoint=endpoint_of(name, dialect=dialect), **asked)
        return last(model_server).json()

    return of


def test_a_chat_call_is_marked_as_ours_in_header_and_first_system_line(body_of: Any, model_server: ModelServer) -> None:
    body = body_of("gateway")
    assert last(model_server).headers["x-aftertag-own-call"] == MARK
    assert body["messages"][0]["content"].splitlines()[0] == f"[aftertag own call {MARK}]"


def test_a_messages_call_is_marked_as_ours_in_header_and_first_system_line(
    body_of: Any, model_server: ModelServer
) -> None:
    body = body_of("anthropic", dialect="messages")
    assert last(model_server).headers["x-aftertag-own-call"] == MARK
    assert body["system"][0]["text"].splitlines()[0] == f"[aftertag own call {MARK}]"


def test_a_decision_call_is_marked_as_ours_in_header_and_first_line_of_the_state(
    body_of: Any, model_server: ModelServer
) -> None:
    body = body_of("decider", dialect="systemone")
    assert last(model_server).headers["x-aftertag-own-call"] == MARK
    assert body["state"].splitlines()[0] == f"[aftertag own call {MARK}]"


@pytest.mark.parametrize("dialect", ["chat", "messages", "systemone"])
def test_every_call_says_who_makes_it_as_a_gateway_reports_programs(
    dialect: str, body_of: Any, model_server: ModelServer
) -> None:
    body_of("gateway", dialect=dialect)
    assert last(model_server).headers["user-agent"] == f"aftertag-own-call/{MARK}"


@pytest.mark.parametrize("dialect", ["chat", "messages"])
def test_only_openrouter_is_told_in_the_body_too_since_others_refuse_fields_that_they_do_not_know(
    dialect: str, body_of: Any
) -> None:
    assert body_of("openrouter", dialect=dialect)["trace"] == {"aftertag_own_call": MARK}
    for name in ("gateway", "openai", "anthropic", "mistral", "groq", "ollama"):
        assert not {"trace", "metadata", "user", "tags"} & body_of(name, dialect=dialect).keys()


def test_the_transcript_is_one_user_message_and_the_last_thing_in_the_body(
    body_of: Any, model_server: ModelServer
) -> None:
    transcript = 'USER: a "quoted" line\n\\ backslash\nASSISTANT: 你好 \x07 end'
    body = body_of("gateway", transcript)
    assert [message["role"] for message in body["messages"]] == ["system", "user"]
    assert body["messages"][1]["content"] == transcript
    assert last(model_server).body.endswith(b' end"}]}')


def test_a_lone_surrogate_goes_out_as_a_question_mark(body_of: Any) -> None:
    assert body_of("gateway", "USER: a\ud800b")["messages"][1]["content"] == "USER: a?b"


def test_the_schema_is_strict_and_in_the_order_of_the_dimensions(body_of: Any, prepared: Prepared) -> None:
    response_format = body_of("gateway")["response_format"]
    assert response_format["json_schema"]["strict"] is True
    assert json.dumps(response_format["json_schema"]["schema"]) == json.dumps(prepared.schema)


def test_two_calls_of_a_version_share_every_byte_before_the_transcript(ask: Ask, model_server: ModelServer) -> None:
    bodies = []
    for transcript in ("USER: one", "USER: two"):
        ask(transcript)
        bodies.append(last(model_server).body)
    assert bodies[0].replace(b"USER: one", b"") == bodies[1].replace(b"USER: two", b"")


def test_openrouter_is_asked_only_of_providers_that_take_every_parameter(body_of: Any) -> None:
    body = body_of("openrouter", max_output_tokens=77)
    assert body["provider"] == {"require_parameters": True}
    assert "temperature" not in body
    assert body["max_tokens"] == 77


def test_openai_gets_its_own_token_cap_and_a_cache_key(body_of: Any) -> None:
    body = body_of("openai", max_output_tokens=77, prompt_cache_key="version-1")
    assert body["max_completion_tokens"] == 77
    assert body["prompt_cache_key"] == "version-1"
    assert "max_tokens" not in body


def test_others_get_no_cache_key_and_temperature_zero(body_of: Any) -> None:
    body = body_of("gateway", prompt_cache_key="version-1")
    assert "prompt_cache_key" not in body
    assert body["temperature"] == 0


def test_anthropic_gets_its_own_headers_and_a_cache_breakpoint_on_the_system_block(
    body_of: Any, model_server: ModelServer, prepared: Prepared
) -> None:
    body = body_of("anthropic", dialect="messages")
    assert body["system"][0]["cache_control"] == {"type": "ephemeral"}
    assert body["output_config"] == {"format": {"type": "json_schema", "schema": prepared.schema}}
    assert last(model_server).path == "/v1/messages"
    assert last(model_server).headers["x-api-key"] == "key-of-the-test"
    assert "authorization" not in last(model_server).headers


@pytest.mark.parametrize(
    ("play", "formats"),
    [
        ("no_json_schema", ["json_schema", "json_object", "json_object"]),
        ("no_json_object", ["json_schema", "json_object", None, None]),
    ],
)
def test_a_refused_form_of_answer_is_replaced_at_once_and_the_replacement_remembered(
    play: str, formats: Sequence[str | None], prepared: Prepared, endpoint_of: EndpointOf, model_server: ModelServer
) -> None:
    transcript = f"USER: play: {play}\nplay-answer: department=legal"
    before = model_server.play.total
    replies = ask_in_turn(endpoint_of(), prepared, [transcript, transcript])
    seen = list(model_server.play.requests)[before - model_server.play.total :]
    assert [request.json().get("response_format", {}).get("type") for request in seen] == formats  # type: ignore[attr-defined]
    for reply in replies:
        assert isinstance(reply, Answered)
        assert reply.tags["department"] == "legal"


def test_a_plain_400_is_not_taken_for_a_refused_form_of_answer(
    prepared: Prepared, endpoint_of: EndpointOf, model_server: ModelServer
) -> None:
    first, second = ask_in_turn(endpoint_of(), prepared, ["USER: play: 400\nplay-id: plain-400", "USER: hi"])
    assert isinstance(first, Unanswered)
    assert first.case is Case.BAD_REQUEST
    assert model_server.calls("plain-400") == 1
    assert isinstance(second, Answered)
    assert last(model_server).json()["response_format"]["type"] == "json_schema"  # type: ignore[index]


def ask_in_turn(endpoint: Any, prepared: Prepared, transcripts: Sequence[str]) -> list[Reply]:
    async def run() -> list[Reply]:
        client = ModelClient()
        try:
            return [await client.ask(endpoint, question(prepared, each), 10) for each in transcripts]
        finally:
            await client.aclose()

    return asyncio.run(run())
