"""The built-in model: honest, deterministic, and off the event loop."""

import asyncio
import json
from decimal import Decimal

import pytest

from classifier_models import local
from classifier_models.client import ModelClient
from classifier_models.endpoints import LOCAL
from classifier_models.local_reading import READ_CHARACTERS, words_of_people
from classifier_models.question import prepare
from classifier_models.reply import Answered
from taxonomies import presets
from taxonomies.answer import read_answer
from taxonomies.taxonomy import Taxonomy, parse
from tests.classifier_models.conftest import MARK, Ask, question


@pytest.fixture(scope="module")
def desk() -> Taxonomy:
    return parse(
        {
            "dimensions": [
                {
                    "name": "desk",
                    "none_of_these": True,
                    "values": [
                        {"name": "billing", "description": "Invoices, payments and refunds."},
                        {
                            "name": "travel",
                            "description": "Flights, hotels and trains.",
                            "examples": ["订一张去北京的火车票"],
                        },
                    ],
                },
                {
                    "name": "subjects",
                    "several": True,
                    "values": [
                        {"name": "refunds", "description": "Money back, refund, reimbursement."},
                        {"name": "hotels", "description": "Hotel rooms and nights."},
                        {"name": "weather", "description": "Rain, sun and snow."},
                    ],
                },
            ]
        }
    )


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("Please refund my last payment, the invoice is wrong.", "billing"),
        ("I need a hotel and two flights.", "travel"),
        ("我想订火车票", "travel"),
        ("Zzyzx", "none_of_these"),
    ],
)
def test_words_that_the_taxonomy_uses_decide(text: str, value: str, desk: Taxonomy) -> None:
    assert local.classify(desk, f"USER: {text}")["desk"] == value


def test_several_values_are_those_that_are_nearly_as_near_as_the_nearest(desk: Taxonomy) -> None:
    tags = local.classify(desk, "USER: refund for the hotel rooms, I want my money back for the nights")
    assert tags["subjects"] == ["refunds", "hotels"]
    assert local.classify(desk, "USER: Zzyzx")["subjects"] == []


@pytest.mark.parametrize("name", presets.names())
@pytest.mark.parametrize("text", ["", "USER: hello", "USER: 你好\nASSISTANT: x", "no labels at all", "\ud800 \x00"])
def test_every_preset_gets_a_valid_answer_twice_the_same(name: str, text: str) -> None:
    taxonomy = presets.load(name).taxonomy
    tags = local.classify(taxonomy, text)
    assert read_answer(taxonomy, json.dumps(tags)) == tags
    local._fit.cache_clear()
    assert local.classify(taxonomy, text) == tags


def test_an_answer_says_which_model_it_was_and_that_it_cost_nothing(ask: Ask) -> None:
    reply = ask("USER: hi", endpoint=LOCAL, timeout_seconds=60)
    assert isinstance(reply, Answered)
    assert (reply.model, reply.usage.cost_usd, reply.usage.cost_source) == ("local-lexical", Decimal(0), "reported")


def test_the_loop_runs_on_while_the_local_model_works(desk: Taxonomy) -> None:
    async def run() -> int:
        client = ModelClient()
        asked = asyncio.gather(
            *(
                client.ask(LOCAL, question(prepare(desk, "", mark=MARK), f"USER: hotel {number}"), 60)
                for number in range(50)
            )
        )
        turns = 0
        while not asked.done():
            turns += 1
            await asyncio.sleep(0)
        assert all(isinstance(reply, Answered) for reply in await asked)
        await client.aclose()
        return turns

    assert asyncio.run(run()) > 50


def test_what_people_wrote_is_read_before_anything_else() -> None:
    transcript = "SYSTEM: be kind\nTOOLS: a, b\nUSER: one\nmore\nASSISTANT: no\nTOOL_RESULT x: no\nUSER: two"
    assert words_of_people(transcript) == "one\nmore\n\ntwo"


def test_without_people_everything_is_read() -> None:
    assert words_of_people("SYSTEM: be kind\nASSISTANT: I am") == "be kind\n\nI am"
    assert words_of_people("plain") == "plain"


def test_long_text_keeps_its_beginning_and_its_end() -> None:
    text = words_of_people(f"USER: {'a' * 50_000}{'z' * 50_000}")
    assert len(text) == READ_CHARACTERS + 1
    assert (text[0], text[-1]) == ("a", "z")
