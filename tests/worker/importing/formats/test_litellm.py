"""LiteLLM's spend log: every call through the proxy, with who made it; text only where the proxy stored it."""

import json
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

from classifier_models import marker
from tests.worker import line_stage
from tests.worker.importing.formats.reading_exports import EXPORTS, found_in, only
from tests.worker.importing.stage import bring_in, write, written
from tests.worker.line_stage import rows

RESPONSE_ID = "chatcmpl-CkQ1vE7zX2pYt9LmN4aB"


def row(**fields: Any) -> dict[str, Any]:
    """A row as the API gives it, with these fields instead."""
    found: dict[str, Any] = json.loads((EXPORTS / "litellm_spend_logs.json").read_text())[0]
    return {**found, **fields}


@pytest.mark.parametrize("name", ["litellm_spend_logs.json", "litellm_spend_logs.csv"])
def test_a_call_has_its_request_its_response_and_who_made_it(name: str) -> None:
    found = found_in(name)
    one = found.by_id[RESPONSE_ID]
    assert [turn[:2] for turn in one.turns] == [
        ("system", "You answer for the billing team."),
        ("user", "Why was invoice 4711 charged twice?"),
        ("assistant", "The first charge was a reservation; it falls away on Friday."),
    ]
    assert (one.model, one.provider, one.finish_reason, one.streamed) == ("gpt-4o-mini", "openai", "stop", True)
    assert one.created_at == datetime(2026, 8, 3, 9, 15, 0, 120_000, tzinfo=UTC)
    assert (one.latency_ms, one.cost_usd) == (1750, Decimal("0.0000264"))
    assert one.usage.model_dump() == {"prompt": 168, "completion": 18, "cached": 128, "reasoning": 7}
    assert (one.user, one.api_key_name, one.tools) == ("customer-3", "helpdesk-key", ["look_up_invoice"])
    assert one.session_id == "ticket-4711"
    assert {"team": "Support", "cost_center": "4200", "model_group": "cheap"}.items() <= one.metadata.items()
    assert found.left_out == {"aembedding call": 1, "failed call": 1}
    assert found.bad == []


def test_no_key_stands_in_what_is_kept() -> None:
    assert "88dc28d0" not in str([one.model_dump() for one in found_in("litellm_spend_logs.json").generations])


def test_a_call_whose_text_the_proxy_did_not_store_goes_in_for_its_usage_and_is_not_asked_about() -> None:
    one = found_in("litellm_spend_logs.json").by_id["chatcmpl-EEE111222333444555"]
    assert (one.turns, one.source_rate, one.user, one.usage.completion) == ([], 0.0, "u-2", 18)
    assert one.session_id is None  # a UUID that LiteLLM made up
    assert all(not each.turns for each in found_in("litellm_spend_logs_v2.json").generations)


def test_a_system_prompt_beside_the_messages_is_read(tmp_path: Path) -> None:
    body = {"model": "claude", "system": "Be brief.", "messages": [{"role": "user", "content": "Hello"}]}
    one = only(write(tmp_path / "a.jsonl", row(call_type="anthropic_messages", proxy_server_request=body)))
    assert [turn[:2] for turn in one.turns[:2]] == [("system", "Be brief."), ("user", "Hello")]


def test_a_responses_request_is_read(tmp_path: Path) -> None:
    body = {"model": "gpt-5-mini", "instructions": "Be brief.", "input": "Hello"}
    one = only(write(tmp_path / "a.jsonl", row(call_type="aresponses", proxy_server_request=body)))
    assert [turn[:2] for turn in one.turns[:2]] == [("system", "Be brief."), ("user", "Hello")]


def test_accounts_that_litellm_wrote_to_a_bucket_are_read_as_they_are(tmp_path: Path) -> None:
    account = {
        "id": RESPONSE_ID,
        "call_type": "acompletion",
        "response_cost": 0.001,
        "startTime": 1785748500.12,
        "endTime": 1785748501.87,
        "status": "success",
        "metadata": {"user_api_key_alias": "helpdesk-key"},
        "messages": [{"role": "user", "content": "Hello"}],
        "response": {"choices": [{"message": {"role": "assistant", "content": "Yes."}}]},
        "model_parameters": {"stream": True},
    }
    one = only(written(tmp_path / "a.json", json.dumps(account, indent=2)))
    assert (one.id, one.api_key_name, one.cost_usd) == (RESPONSE_ID, "helpdesk-key", Decimal("0.001"))
    assert [turn[:2] for turn in one.turns] == [("user", "Hello"), ("assistant", "Yes.")]


def test_what_was_passed_on_to_a_provider_is_a_call_where_it_asked_a_model(tmp_path: Path) -> None:
    asked = {"system": "Be brief.", "messages": [{"role": "user", "content": "Hello"}]}
    account = {
        "id": "msg_z7WPxqeo87m4riAbWo5kyV4y52a0k",
        "call_type": "pass_through_endpoint",
        "response_cost": 0.001,
        "startTime": 1785748500.12,
        "endTime": 1785748501.87,
        "status": "success",
        "metadata": {},
        "messages": [{"role": "user", "content": json.dumps(asked)}],
        "response": {"object": "chat.completion", "choices": [{"message": {"role": "assistant", "content": "Yes."}}]},
    }
    one = only(write(tmp_path / "a.jsonl", account))
    assert (one.id, [turn[:2] for turn in one.turns]) == (
        "msg_z7WPxqeo87m4riAbWo5kyV4y52a0k",
        [("system", "Be brief."), ("user", "Hello"), ("assistant", "Yes.")],
    )
    listed = {
        **account,
        "messages": [{"role": "user", "content": "{}"}],
        "response": {"response": '{"object": "list"}'},
    }
    found = found_in(write(tmp_path / "b.jsonl", listed))
    assert found.left_out == {"request passed on that asked no model": 1}


def test_what_litellm_asked_for_itself_is_left_out(tmp_path: Path) -> None:
    asked = row(metadata={**row()["metadata"], "internal_call_origin": {"source": "auto_router"}})
    assert found_in(write(tmp_path / "a.jsonl", asked)).left_out == {"call that LiteLLM made for itself": 1}


def test_our_classifiers_own_calls_are_recognised_by_line_or_program(tmp_path: Path, engine: Engine) -> None:
    agent = marker.headers(line_stage.mark(engine))["User-Agent"]
    said = {"messages": [{"role": "system", "content": f"{marker.line(line_stage.mark(engine))}\nYou place."}]}
    by_line = row(request_id="chatcmpl-OWN0000111122223334", proxy_server_request=said)
    by_agent = row(request_id="chatcmpl-OWN0000111122223335", metadata={**row()["metadata"], "user_agent": agent})
    bring_in(engine, write(tmp_path / "a.jsonl", by_line, by_agent))
    found = rows(engine, "select generation_id from classifications where reason = 'own_call' order by 1")
    assert found == ["chatcmpl-OWN0000111122223334", "chatcmpl-OWN0000111122223335"]
    assert rows(engine, "select count(*) from generations") == [0]


def test_a_call_that_only_says_that_it_is_a_classifiers_own_is_counted_and_not_asked_about(engine: Engine) -> None:
    bring_in(engine, EXPORTS / "litellm_spend_logs.json")
    found = rows(engine, "select generation_id from classifications where reason = 'unproven_own_call'")
    assert found == ["chatcmpl-OWN0000111122223333"]
    assert rows(engine, "select count(*) from generations") == [3]


def test_a_days_sum_is_told_with_what_to_fetch_instead() -> None:
    [bad] = found_in("litellm_daily.json").bad
    assert bad.reason == "is the sum of a day, not a call; fetch /spend/logs with summarize=false"


@pytest.mark.parametrize(
    "nonsense",
    [
        {"request_id": 1, "call_type": None, "metadata": "{broken", "proxy_server_request": "[]", "response": "null"},
        {"request_id": {}, "call_type": ["x"], "startTime": "soon", "spend": "much", "request_tags": 7},
        {"request_id": "r", "call_type": "completion", "metadata": [], "prompt_tokens": -4, "spend": float("nan")},
    ],
)
def test_rows_full_of_nonsense_neither_stop_the_import_nor_invent_anything(
    tmp_path: Path, nonsense: dict[str, Any]
) -> None:
    found = found_in(write(tmp_path / "a.jsonl", nonsense))
    assert len(found.generations) + found.left_out.total() == 1
    assert all(not one.turns and one.cost_usd is None for one in found.generations)
