"""LiteLLM's account of a call becomes a document, whichever way it comes."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from api_hooks import wire
from api_hooks.wire import litellm
from classifier_models import marker
from tests.api_hooks.litellm_payloads import (
    CALL_ID,
    ENCRYPTED_ID,
    ITEM_ID,
    RESPONSE_ID,
    WRAPPED_ID,
    payload,
    proxy_metadata,
    responses_payload,
)
from worker import generation as receiving

NOW = datetime(2026, 11, 25, tzinfo=UTC)
MARK = "0123456789abcdef"
AGENT = marker.headers(MARK)["User-Agent"]


def document(given: Any, **beside: Any) -> dict[str, Any]:
    found = litellm.document(given, **beside)
    assert found is not None
    return found


def generation(given: Any, **beside: Any) -> dict[str, Any]:
    return wire.generation({"workspace": "acme", **_set(document(given, **beside))}, now=NOW, random_bytes=bytes(10))


def _set(found: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in found.items() if value is not None}


def test_a_call_through_the_proxy_keeps_model_usage_cost_key_team_and_end_user() -> None:
    assert generation(payload()) == {
        "id": RESPONSE_ID,
        "id_given": True,
        "workspace": "acme",
        "created_at": "2026-11-24T18:20:29.750000+00:00",  # where it began, as all instruments have it
        "model": "gpt-4o-mini",
        "provider": "openai",
        "turns": [
            ["system", "Be brief.", None, None],
            ["user", "hi", None, None],
            ["assistant", "Hello", None, None],
        ],
        "tools": ["search"],
        "usage": {"prompt": 20, "completion": 5, "cached": 8, "reasoning": 2},
        "cost_usd": 5.4e-06,
        "latency_ms": 250,
        "finish_reason": "stop",
        "streamed": False,
        "user": "end-1",
        "session_id": None,
        "app": "https://app.example",
        "api_key_name": "helpdesk-key",
        "metadata": {
            "ticket": "T-1",
            "tags": "blue",
            "team": "support",
            "team_id": "team-7",
            "key_user": "u-owner",
            "model_group": "small",
            "litellm_call_id": CALL_ID,
        },
        "left_out": 0,
    }


@pytest.mark.parametrize("call_type", ["aembedding", "aimage_generation", "asystemone", "adecisions", "moderation"])
def test_other_call_types_are_no_generations(call_type: str) -> None:
    assert litellm.document(payload(call_type=call_type)) is None


def test_failures_and_the_routers_own_calls_are_no_generations() -> None:
    assert litellm.document(payload(status="failure")) is None
    assert litellm.document(payload(classifier_input={"messages": []})) is None
    assert litellm.document(payload(), asked={"internal_call_origin": "shadow_eval_judge"}) is None


@pytest.mark.parametrize("odd", [None, [], "payload", 7, {}, {"id": "x"}, {"call_type": 7}, {"call_type": ""}])
def test_what_is_no_payload_is_refused_in_a_sentence(odd: object) -> None:
    with pytest.raises(wire.UnusableError, match="send LiteLLM's StandardLoggingPayload as it is"):
        litellm.document(odd)


@pytest.mark.parametrize("id_", [WRAPPED_ID, ENCRYPTED_ID])
def test_a_call_of_responses_is_named_alike_however_the_proxy_wrote_its_id(id_: str) -> None:
    made = generation(responses_payload(id_))
    assert made["id"] == ITEM_ID
    assert made["streamed"]
    assert [turn[:2] for turn in made["turns"]] == [
        ["system", "Be brief."],
        ["user", "hi"],
        ["assistant", "Hello"],
    ]


def test_an_id_that_a_mock_gives_every_call_is_replaced_by_litellms_own() -> None:
    assert document(payload(id="msg_013Zva2CMHLNnXjNJJKqJ2EF"))["id"] == CALL_ID


def test_an_answer_out_of_litellms_cache_used_and_cost_nothing() -> None:
    made = generation(payload(cache_hit=True, id=f"{RESPONSE_ID}_cache_hit1795544430.5", response_cost=0.0))
    assert (made["usage"], made["cost_usd"], made["metadata"]["cache_hit"]) == ({}, 0, "true")
    assert made["id"] != RESPONSE_ID


def test_a_model_without_a_price_has_no_cost_and_a_free_one_costs_nothing() -> None:
    assert document(payload(response_cost=0.0, hidden_params={"response_cost": None}))["cost_usd"] is None
    assert document(payload(response_cost=0.0, hidden_params={"response_cost": 0.0}))["cost_usd"] == 0


def test_without_a_count_there_is_no_usage() -> None:
    metadata = proxy_metadata(usage_object={"prompt_tokens": 0, "completion_tokens": 0})
    assert document(payload(prompt_tokens=0, completion_tokens=0, metadata=metadata))["usage"] == {}


def test_without_an_end_user_it_is_the_keys_owner_and_never_the_master_keys() -> None:
    assert document(payload(end_user=None))["user"] == "u-owner"
    assert (
        document(payload(end_user=None, metadata=proxy_metadata(user_api_key_user_id="default_user_id")))["user"]
        is None
    )
    assert document(payload(end_user=None, metadata={}, model_parameters={"user": "u-1"}))["user"] == "u-1"


def test_text_that_litellm_redacted_is_left_out_and_never_asked_about() -> None:
    redacted = "redacted-by-litellm"
    made = document(payload(messages=[{"role": "user", "content": redacted}], response={"text": redacted}))
    assert (made["messages"], made["output"], made["source_rate"]) == ([], None, 0.0)


class TestWorkspace:
    def test_is_the_one_that_the_virtual_keys_metadata_names(self) -> None:
        metadata = proxy_metadata(user_api_key_auth_metadata={"aftertag_workspace": "research"})
        assert document(payload(metadata=metadata))["workspace"] == "research"

    def test_cannot_be_chosen_by_who_calls_the_proxy(self) -> None:
        metadata = proxy_metadata(requester_metadata={"aftertag_workspace": "research", "team": "board"})
        found = document(payload(metadata=metadata))
        assert (found["workspace"], found["metadata"]["team"]) == (None, "support")
        assert document(payload(metadata=metadata), asked={"aftertag_workspace": "research"})["workspace"] is None

    def test_is_the_one_that_a_call_of_the_sdk_names(self) -> None:
        assert document(payload(metadata={}), asked={"aftertag_workspace": "research"})["workspace"] == "research"


class TestSession:
    def test_is_the_trace_that_the_caller_named(self) -> None:
        assert document(payload(trace_id="chat-17"))["session_id"] == "chat-17"
        assert (
            document(payload(metadata=proxy_metadata(requester_metadata={"session_id": "s-1"})))["session_id"] == "s-1"
        )
        headers = {"x-litellm-trace-id": "8c9e1c9a-0000-4000-8000-000000000000"}
        metadata = proxy_metadata(requester_custom_headers=headers)
        assert document(payload(metadata=metadata))["session_id"] == headers["x-litellm-trace-id"]

    def test_is_none_where_litellm_made_the_trace_for_want_of_one(self) -> None:
        assert document(payload())["session_id"] is None

    def test_is_litellms_session_where_that_is_told_apart(self) -> None:
        assert document(payload(session_id="s-2", trace_id="t-2"))["session_id"] == "s-2"


class TestMetadata:
    def test_keeps_plain_values_and_neither_headers_nor_what_is_named_like_a_secret(self) -> None:
        noted = {
            "ticket": "T-1",
            "attempt": 2,
            "headers": {"authorization": "Bearer sk-1", "cookie": "s"},
            "nested": {"password": "p"},
            "langfuse_secret": "sk-lf",
            "api_key": "sk-2",
            "access-token": "t",
            "keyword": "kept",
        }
        found = document(payload(metadata=proxy_metadata(requester_metadata=noted)))["metadata"]
        assert {name: found[name] for name in ("ticket", "attempt", "keyword")} == {
            "ticket": "T-1",
            "attempt": 2,
            "keyword": "kept",
        }
        assert not set(found) & {"headers", "nested", "langfuse_secret", "api_key", "access-token"}

    def test_is_bounded_and_leaves_room_for_what_the_proxy_says(self) -> None:
        noted = {f"k{number}": "v" for number in range(10_000)}
        made = generation(payload(metadata=proxy_metadata(requester_metadata=noted)))["metadata"]
        assert len(made) <= 64
        assert made["team"] == "support"

    def test_the_applications_title_wins_over_its_address(self) -> None:
        headers = {"x-title": "Helpdesk"}
        assert document(payload(metadata=proxy_metadata(requester_custom_headers=headers)))["app"] == "Helpdesk"


class TestOwnCall:
    @pytest.mark.parametrize("where", ["requester_custom_headers", "requester_metadata"])
    def test_is_told_by_the_header_of_the_request(self, where: str) -> None:
        headers = {wire.OWN_CALL_HEADER: MARK}
        metadata = proxy_metadata(**{where: headers if where == "requester_custom_headers" else {"headers": headers}})
        assert document(payload(metadata=metadata))["own_call"] == MARK
        assert document(payload(metadata={}), headers=headers)["own_call"] == MARK

    def test_is_not_told_by_what_the_call_says_of_itself(self) -> None:
        header = {wire.OWN_CALL_HEADER: MARK}
        assert "own_call" not in document(payload(metadata=proxy_metadata(requester_metadata=header)))
        assert "own_call" not in document(payload(model_parameters=header, request_tags=[wire.OWN_CALL_HEADER]))
        assert "own_call" not in document(payload(metadata=proxy_metadata(requester_custom_headers={"x-a": "1"})))

    def test_is_told_by_the_program_that_made_the_request_where_headers_are_not_reported(self) -> None:
        assert document(payload(metadata=proxy_metadata(user_agent=AGENT)))["own_call"] == MARK
        tags = ["User-Agent: aftertag-own-call", f"User-Agent: {AGENT}"]
        found = document(payload(metadata={}, request_tags=["billing", *tags]))
        assert found["own_call"] == MARK
        assert found["metadata"]["tags"] == "billing"

    @pytest.mark.parametrize("agent", ["OpenAI/Python 3.52.0", "aftertag-own-caller/1", f"not-{AGENT}"])
    def test_is_not_told_by_any_other_program(self, agent: str) -> None:
        told = proxy_metadata(user_agent=agent)
        assert "own_call" not in document(payload(metadata=told, request_tags=[f"User-Agent: {agent}", AGENT]))


def test_what_a_context_says_no_header_says_otherwise() -> None:
    given = payload(metadata=proxy_metadata(requester_custom_headers={"x-title": "a", "x-litellm-session-id": "s"}))
    found = document(given)
    assert (found["app"], found["session_id"]) == ("a", "s")
    found = document(given, around={"app": "b", "session_id": "t"})
    assert (found["app"], found["session_id"]) == (None, None)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=12,
)
FIELDS = sorted(set(payload()) - {"startTime", "endTime"})
METADATA = sorted(proxy_metadata())


@settings(max_examples=400, deadline=None)
@given(
    st.dictionaries(st.sampled_from(FIELDS), JSON, max_size=6),
    st.dictionaries(st.sampled_from(METADATA), JSON, max_size=6),
)
def test_whatever_stands_in_a_payload_a_worker_can_read_what_is_made_of_it(
    odd: dict[str, Any], odd_metadata: dict[str, Any]
) -> None:
    given = payload(**{"metadata": proxy_metadata(**odd_metadata), **odd})
    try:
        found = litellm.document(given)
    except wire.UnusableError:
        return
    if found is not None:
        made = wire.generation({**_set(found), "workspace": "acme"}, now=NOW, random_bytes=bytes(10))
        receiving.read(json.loads(json.dumps(made, allow_nan=False)), now=NOW, past=timedelta(days=30))


@pytest.mark.parametrize("odd", [None, "soon", [], {}, float("nan"), -1, True])
def test_times_that_make_no_sense_leave_the_moment_it_came_in_and_no_latency(odd: object) -> None:
    made = generation(payload(startTime=odd, endTime=None))
    assert made["latency_ms"] is None
    assert made["created_at"].startswith("2026-11-25" if odd != -1 else "1969")


def test_a_documents_size_is_that_of_what_is_kept() -> None:
    heavy = payload(model_map_information={"model_map_value": "x" * 100_000}, hidden_params={"more": "y" * 100_000})
    assert len(json.dumps(document(heavy))) < 2_000
