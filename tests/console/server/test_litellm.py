"""POST /v1/litellm: the batches of LiteLLM's `generic_api` callback, in its three formats, whatever stands in them."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine

from tests.api_hooks.litellm_payloads import CALL_ID, RESPONSE_ID, payload, proxy_metadata
from tests.console.server.conftest import Tenant
from tests.console.server.serving import Caller, Server, said
from tests.worker.line_stage import rows

PATH = "/v1/litellm"


def call(number: int, **more: Any) -> dict[str, Any]:
    """One event of LiteLLM's; each number is another call."""
    now = datetime.now(UTC).timestamp()
    return payload(**{"id": f"{RESPONSE_ID[:-6]}{number:06}", "startTime": now - 0.25, "endTime": now, **more})


def lines(*events: Any) -> bytes:
    return b"\n".join(event if isinstance(event, bytes) else json.dumps(event).encode() for event in events)


def statuses(answer: dict[str, Any]) -> list[str]:
    return [one["status"] for one in answer["results"]]


@pytest.mark.parametrize("form", ["json_array", "ndjson", "single"])
def test_each_format_is_recorded_once_with_key_team_and_end_user(
    form: str, shop: Caller, tenant: Tenant, shared_engine: Engine
) -> None:
    event = call(1)
    body = {"json_array": json.dumps([event]).encode(), "ndjson": lines(event), "single": lines(event)}[form]
    assert shop.post(body, PATH).json()["recorded"] == 1
    assert shop.post(body, PATH).json()["known"] == 1
    query = """
        select id, api_key_name, user_id, metadata ->> 'team', metadata ->> 'team_id', app, cost_usd::float8
        from generations where workspace = :workspace
    """
    assert rows(shared_engine, query, workspace=tenant.workspace) == [
        (event["id"], "helpdesk-key", "end-1", "support", "team-7", "https://app.example", 5.4e-06)
    ]


def test_every_event_has_its_result_in_order(shop: Caller) -> None:
    events = [call(1), call(2, call_type="aembedding"), {"id": "x"}, "text", call(3), call(4, status="failure"), None]
    answer = shop.post(events, PATH).json()
    assert statuses(answer) == ["recorded", "ignored", "rejected", "rejected", "recorded", "ignored", "rejected"]
    assert answer["results"][2]["reason"].startswith("call_type: it is missing")
    assert {name: answer[name] for name in ("recorded", "known", "rejected", "ignored")} == {
        "recorded": 2,
        "known": 0,
        "rejected": 3,
        "ignored": 2,
    }


def test_a_broken_line_takes_no_other_with_it_and_is_set_aside(
    shop: Caller, tenant: Tenant, shared_engine: Engine
) -> None:
    answer = shop.post(lines(call(1), b'{"id": ', b"", call(2)), PATH).json()
    assert statuses(answer) == ["recorded", "rejected", "recorded"]
    kept = rows(shared_engine, "select error from set_aside where workspace = :workspace", workspace=tenant.workspace)
    assert kept == ["The body is not JSON (line 1, column 7)."]


def test_what_a_proxy_that_reads_no_answers_sent_in_vain_can_be_seen_by_the_operator(
    shop: Caller, tenant: Tenant, shared_engine: Engine
) -> None:
    shop.post([{"call_type": 7}, call(1, startTime=5)], PATH)
    kept = rows(shared_engine, "select error from set_aside where workspace = :workspace", workspace=tenant.workspace)
    assert sorted(error.partition(":")[0] for error in kept) == ["call_type", "created_at"]


def test_a_virtual_key_of_another_workspace_records_nothing_here_and_is_counted(
    shop: Caller, tenant: Tenant, shared_engine: Engine
) -> None:
    metadata = proxy_metadata(user_api_key_auth_metadata={"aftertag_workspace": "elsewhere"})
    answer = shop.post([call(1, metadata=metadata)], PATH).json()
    assert statuses(answer) == ["rejected"]
    assert rows(shared_engine, "select 1 from workspaces where id = 'elsewhere'") == []
    assert rows(shared_engine, "select generations from losses where reason = 'other_workspace'") == [1]


def test_numbers_that_pythons_json_writes_and_json_has_not_are_read(shop: Caller) -> None:
    assert shop.post(json.dumps([call(1, response_cost=float("nan"))]).encode(), PATH).json()["recorded"] == 1


@pytest.mark.parametrize(("body", "status"), [(b"", 400), (b"[1", 400), (b"\xff", 400), (b'"text"', 422), (b"7", 422)])
def test_a_body_that_is_no_batch_is_refused_in_a_sentence(body: bytes, status: int, shop: Caller) -> None:
    answer = shop.post(body, PATH)
    assert answer.status_code == status
    assert answer.json()["error"]["message"].endswith(".")


def test_an_empty_batch_is_none(shop: Caller) -> None:
    assert shop.post([], PATH).json() == {"results": [], "recorded": 0, "known": 0, "rejected": 0, "ignored": 0}


def test_it_needs_a_key(server: Server, shop: Caller) -> None:
    assert shop.client.post(PATH, json=[]).status_code == 401


def test_the_same_call_by_the_callback_and_by_the_webhook_is_one_generation(shop: Caller) -> None:
    """The callback names it by the same id; here it comes as the hook would send it over HTTP."""
    event = call(1)
    assert shop.post([event], PATH).json()["recorded"] == 1
    assert shop.post(said(id=event["id"])).json()["known"] == 1


def test_an_event_without_an_id_that_tells_calls_apart_is_named_by_litellms_own(shop: Caller) -> None:
    assert shop.post([call(1) | {"id": "chatcmpl-123"}], PATH).json()["results"][0]["id"] == CALL_ID


def test_text_is_in_neither_answer_nor_log(shop: Caller, server: Server) -> None:
    secret = "sentinel-text-of-litellm"
    messages = [{"role": "user", "content": secret}]
    answers = [
        shop.post(body, PATH).text
        for body in (
            [call(1, messages=messages, endTime=5)],
            [{"messages": messages}],
            lines(call(2, messages=messages), json.dumps({"messages": messages}).encode()[:-2]),
        )
    ]
    assert not [answer for answer in answers if secret in answer]
    assert secret not in server.log


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=10,
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        JSON | st.dictionaries(st.sampled_from(sorted(payload())), JSON).map(lambda odd: payload(**odd)), max_size=5
    )
)
def test_whatever_json_comes_every_event_gets_a_result(shop: Caller, events: list[Any]) -> None:
    answer = shop.post(events, PATH)
    assert answer.status_code == 200, answer.text
    assert len(answer.json()["results"]) == len(events)
