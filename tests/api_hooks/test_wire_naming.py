"""One id for one call, whichever instrument saw it."""

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest

from api_hooks import wire
from api_hooks.wire.naming import is_named
from tests.api_hooks.litellm_payloads import ENCRYPTED_ID, ITEM_ID, PROVIDERS_ID, WRAPPED_ID

_NOW = datetime(2026, 11, 21, tzinfo=UTC)
BRIDGED = "resp_bGl0ZWxsbTpjdXN0b21fbGxtX3Byb3ZpZGVyOmE7bW9kZWxfaWQ6TjtyZXNwb25zZV9pZDpjaGF0Y21wbC0wMTIzNDU2Nzg5YWI="


def answer(id_: str, *items: str, shape: str = "response") -> dict[str, Any]:
    return {"id": id_, "object": shape, "output": [{"type": "message", "id": item} for item in items]}


def test_an_id_that_litellm_wrapped_names_the_call_as_its_provider_does() -> None:
    assert wire.response_id(WRAPPED_ID) == PROVIDERS_ID
    assert wire.response_id(BRIDGED) == "chatcmpl-0123456789ab"


@pytest.mark.parametrize("odd", [WRAPPED_ID[:-30] + "!" * 30, WRAPPED_ID[:60], WRAPPED_ID + "A" * 5_000])
def test_what_only_looks_wrapped_is_kept_as_it_is(odd: str) -> None:
    assert (
        wire.response_id(odd) == wire.generation({"id": odd}, now=_NOW, random_bytes=b"", needs_workspace=False)["id"]
    )


@pytest.mark.parametrize("told", [WRAPPED_ID, ENCRYPTED_ID])
def test_a_responses_answer_whose_id_a_proxy_rewrites_is_named_by_its_first_item(told: str) -> None:
    assert wire.call_id(answer(told, ITEM_ID)) == ITEM_ID
    assert wire.call_id(SimpleNamespace(**answer(told, ITEM_ID))) == ITEM_ID
    assert wire.call_id(answer(told, "msg_1", ITEM_ID)) == ITEM_ID


def test_a_responses_answer_without_items_that_tell_calls_apart_keeps_its_id() -> None:
    assert wire.call_id(answer(WRAPPED_ID, "msg_1")) == PROVIDERS_ID
    assert wire.call_id({"id": WRAPPED_ID, "object": "response", "output": None}) == PROVIDERS_ID


def test_the_providers_own_answers_are_named_by_their_id() -> None:
    assert wire.call_id(answer(PROVIDERS_ID, ITEM_ID)) == PROVIDERS_ID
    assert wire.call_id(answer(BRIDGED, ITEM_ID)) == "chatcmpl-0123456789ab"
    assert wire.call_id(answer(WRAPPED_ID, ITEM_ID, shape="chat.completion")) == PROVIDERS_ID


@pytest.mark.parametrize("given", [None, "text", {}, {"id": 7}, [], answer("msg_013Zva2CMHLNnXjNJJKqJ2EF", shape="m")])
def test_what_tells_no_calls_apart_names_none(given: object) -> None:
    assert wire.call_id(given) is None


def test_a_whole_response_as_output_names_its_generation() -> None:
    made = wire.generation(
        {"output": answer(ENCRYPTED_ID, ITEM_ID)}, now=_NOW, random_bytes=bytes(10), needs_workspace=False
    )
    assert (made["id"], made["id_given"]) == (ITEM_ID, True)


@pytest.mark.parametrize("told", [WRAPPED_ID, ENCRYPTED_ID])
def test_the_beginning_of_an_answer_whose_id_a_proxy_rewrites_names_it_when_its_first_item_is_there(told: str) -> None:
    assert not is_named(answer(told))
    assert not is_named(answer(told, "msg_1"))
    assert is_named(answer(told, "msg_1", ITEM_ID))
    assert is_named(answer(PROVIDERS_ID))
    assert is_named(answer(told, shape="chat.completion"))


@pytest.mark.parametrize("beginning", [{}, {"id": None}, {"id": ""}, {"id": 7}])
def test_a_beginning_without_an_id_names_nothing_yet(beginning: dict[str, Any]) -> None:
    assert not is_named(beginning)
