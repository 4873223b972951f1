"""Every way in which a model server can answer, played by a real one, and the case it is taken for."""

import asyncio
import email.utils
import logging
import socket

import pytest

from classifier_models import retry
from classifier_models.client import ModelClient
from classifier_models.question import Prepared
from classifier_models.reply import Answered, Case, Unanswered
from tests.classifier_models.conftest import Ask, EndpointOf, question
from tests.model_server import ModelServer
from tests.model_server_plays import SENTINEL, known

CASE_OF_PLAY = {
    "429": Case.RATE_LIMITED,
    "429:7": Case.RATE_LIMITED,
    "500": Case.SERVER_ERROR,
    "502": Case.SERVER_ERROR,
    "503": Case.SERVER_ERROR,
    "504": Case.SERVER_ERROR,
    "524": Case.SERVER_ERROR,
    "529": Case.SERVER_ERROR,
    "400": Case.BAD_REQUEST,
    "404": Case.BAD_REQUEST,
    "422": Case.BAD_REQUEST,
    "302": Case.BAD_REQUEST,
    "401": Case.UNAUTHORIZED,
    "402": Case.OUT_OF_CREDIT,
    "403": Case.FORBIDDEN,
    "408": Case.TIMEOUT,
    "413": Case.CONTEXT_TOO_LONG,
    "204": Case.UNREADABLE,
    "reset": Case.UNREACHABLE,
    "not_http": Case.UNREACHABLE,
    "half": Case.UNREADABLE,
    "html": Case.UNREADABLE,
    "huge": Case.UNREADABLE,
    "null": Case.UNREADABLE,
    "deep": Case.UNREADABLE,
    "error_body:429": Case.RATE_LIMITED,
    "error_body:402": Case.OUT_OF_CREDIT,
    "error_body:401": Case.UNAUTHORIZED,
    "error_body:400": Case.BAD_REQUEST,
    "error_body:500": Case.SERVER_ERROR,
    "context_too_long": Case.CONTEXT_TOO_LONG,
    "too_long_in_words": Case.CONTEXT_TOO_LONG,
    "insufficient_quota": Case.OUT_OF_CREDIT,
    "moderated": Case.REFUSED,
    "refusal": Case.REFUSED,
    "content_filter": Case.REFUSED,
    "truncated": Case.TRUNCATED,
    "wrong_enum": Case.INVALID_ANSWER,
    "missing_dimension": Case.INVALID_ANSWER,
    "extra_keys": Case.INVALID_ANSWER,
    "half_fenced": Case.UNREADABLE,
    "not_json": Case.UNREADABLE,
    "prose": Case.UNREADABLE,
    "empty": Case.UNREADABLE,
}
ONLY_IN_CHAT = {"no_choices": Case.UNREADABLE, "error_in_choice": Case.SERVER_ERROR}


@pytest.mark.parametrize("dialect", ["chat", "messages"])
@pytest.mark.parametrize(("play", "case"), CASE_OF_PLAY.items())
def test_an_ending_is_taken_for_its_case(
    play: str, case: Case, dialect: str, ask: Ask, endpoint_of: EndpointOf, caplog: pytest.LogCaptureFixture
) -> None:
    assert known(play.partition(":")[0])
    with caplog.at_level(logging.DEBUG):
        reply = ask(f"USER: TEXT-OF-A-PERSON\nplay: {play}", endpoint=endpoint_of(dialect=dialect))
    assert isinstance(reply, Unanswered)
    assert reply.case is case
    assert SENTINEL not in repr(reply) + caplog.text
    assert "TEXT-OF-A-PERSON" not in repr(reply) + caplog.text


@pytest.mark.parametrize(("play", "case"), ONLY_IN_CHAT.items())
def test_a_completion_without_a_choice_is_taken_for_its_case(play: str, case: Case, ask: Ask) -> None:
    reply = ask(f"USER: play: {play}")
    assert isinstance(reply, Unanswered)
    assert reply.case is case


def test_every_case_but_a_deadline_is_played_and_has_a_rule() -> None:
    assert set(CASE_OF_PLAY.values()) == set(Case)
    assert set(retry.TABLE) == set(Case)


@pytest.mark.parametrize("dialect", ["chat", "messages", "systemone"])
def test_a_good_answer_gives_tags(dialect: str, ask: Ask, endpoint_of: EndpointOf) -> None:
    reply = ask(
        "USER: hi\nplay-answer: department=legal\nplay-answer: risks=secrets+injection",
        endpoint=endpoint_of(dialect=dialect),
    )
    assert isinstance(reply, Answered)
    assert reply.tags == {"department": "legal", "risks": ["secrets", "injection"]}
    assert reply.model == ("test-decider" if dialect == "systemone" else "test-model")


def test_a_whole_answer_in_a_code_fence_is_accepted(ask: Ask) -> None:
    reply = ask("USER: play: fenced\nplay-answer: department=sales")
    assert isinstance(reply, Answered)
    assert reply.tags["department"] == "sales"


def test_a_hung_server_ends_at_the_deadline(ask: Ask) -> None:
    reply = ask("USER: play: hang", timeout_seconds=0.2)
    assert isinstance(reply, Unanswered)
    assert reply.case is Case.TIMEOUT
    assert reply.latency_ms >= 150


def test_a_port_where_nobody_listens_is_unreachable(ask: Ask, endpoint_of: EndpointOf) -> None:
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{reserved.getsockname()[1]}/v1"
        reply = ask("USER: hi", endpoint=endpoint_of(url=url))
    assert isinstance(reply, Unanswered)
    assert reply.case is Case.UNREACHABLE


@pytest.mark.parametrize(("said", "seconds"), [("7", 7.0), ("0", 0.0), ("-5", 0.0), ("999999999", 3600.0)])
def test_retry_after_in_seconds_is_read_and_bounded(said: str, seconds: float, ask: Ask) -> None:
    reply = ask(f"USER: play: 429:{said}")
    assert isinstance(reply, Unanswered)
    assert reply.retry_after_seconds == seconds


def test_retry_after_as_a_date_is_read_by_the_wall_clock(
    prepared: Prepared, endpoint_of: EndpointOf, model_server: ModelServer
) -> None:
    noon = 1_800_000_000.0
    date = email.utils.formatdate(noon + 90, usegmt=True).replace(" ", "_")
    model_server.script("dated", f"503:{date}".replace(",", ""))

    async def run() -> object:
        client = ModelClient(wall_clock=lambda: noon)
        try:
            return await client.ask(endpoint_of(), question(prepared, "USER: play-id: dated"), 10)
        finally:
            await client.aclose()

    reply = asyncio.run(run())
    assert isinstance(reply, Unanswered)
    assert (reply.case, reply.retry_after_seconds) == (Case.SERVER_ERROR, 90.0)


@pytest.mark.parametrize("play", ["429", "429:soon", "429:nan"])
def test_no_readable_retry_after_is_none(play: str, ask: Ask) -> None:
    reply = ask(f"USER: play: {play}")
    assert isinstance(reply, Unanswered)
    assert reply.retry_after_seconds is None


@pytest.mark.parametrize("play", ["refusal", "truncated", "wrong_enum", "not_json"])
def test_a_call_that_was_answered_in_vain_still_says_what_it_cost(play: str, ask: Ask) -> None:
    reply = ask(f"USER: play: {play}")
    assert isinstance(reply, Unanswered)
    assert reply.usage is not None
    assert reply.usage.cost_source == "reported"


def test_numbers_that_are_none_do_not_break_an_answer(ask: Ask) -> None:
    reply = ask("USER: play: odd_usage")
    assert isinstance(reply, Answered)
    assert (reply.usage.prompt_tokens, reply.usage.completion_tokens, reply.usage.reasoning_tokens) == (120, 0, 0)
    assert (reply.usage.cost_usd, reply.usage.cost_source) == (None, "unknown")


def test_neighbours_of_a_bad_call_are_tagged(prepared: Prepared, endpoint_of: EndpointOf) -> None:
    transcripts = [f"USER: play: {play}" for play in CASE_OF_PLAY] + ["USER: hi"] * 40

    async def run() -> list[object]:
        client = ModelClient()
        try:
            calls = (client.ask(endpoint_of(), question(prepared, transcript), 10) for transcript in transcripts)
            return list(await asyncio.gather(*calls))
        finally:
            await client.aclose()

    replies = asyncio.run(run())
    cases = [reply.case for reply in replies if isinstance(reply, Unanswered)]
    assert cases == list(CASE_OF_PLAY.values())
    assert all(isinstance(reply, Answered) for reply in replies[len(CASE_OF_PLAY) :])
