"""Langfuse's exports in every shape it writes: the same call is the same generation, and nothing else is one."""

import json
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from api_hooks.wire import naming
from tests.worker.importing.formats.reading_exports import EXPORTS, found_in
from tests.worker.importing.stage import write
from worker.generation import Generation

RESPONSE_ID = "chatcmpl-CkQ1vE7zX2pYt9LmN4aB"
SHAPES = [
    "langfuse_observations.json",
    "langfuse_observations.jsonl",
    "langfuse_observations.csv",
    "langfuse_api_v1.json",
    "langfuse_api_v2.json",
    "langfuse_api_trace.json",
    "langfuse_trace_download.json",
    "langfuse_blob_observations.jsonl",
]


def span(id_: str) -> str:
    """The id of a generation that is known by its span only."""
    return naming.span_name("8c1f0b7a2d3e4f5061728394a5b6c7d8", id_)


def observation(**fields: Any) -> dict[str, Any]:
    """An observation as the page exports it, with these fields instead."""
    lines = (EXPORTS / "langfuse_observations.jsonl").read_text().splitlines()
    found: dict[str, Any] = json.loads(lines[1])
    return {**found, **fields}


def read_one(tmp_path: Path, **fields: Any) -> Generation:
    [one] = found_in(write(tmp_path / "a.jsonl", observation(**fields))).generations
    return one


@pytest.mark.parametrize("name", SHAPES)
def test_a_call_is_the_same_generation_in_every_shape(name: str) -> None:
    one = found_in(name).by_id[RESPONSE_ID]
    assert one.turns == [
        ("system", "You answer for the billing team.", None, None),
        ("user", "Why was invoice 4711 charged twice?", None, None),
        ("assistant", "The first charge was a reservation; it falls away on Friday.", None, None),
    ]
    assert one.created_at == datetime(2026, 8, 3, 9, 15, 0, 120_000, tzinfo=UTC)
    assert one.latency_ms == 1750
    assert one.model == "gpt-4o-mini-2024-07-18"
    assert one.usage.model_dump() == {"prompt": 168, "completion": 18, "cached": 128, "reasoning": 0}
    assert one.cost_usd == Decimal("0.0000264")
    assert one.app == "helpdesk"
    assert not one.streamed
    wanted = {
        "trace_id": "8c1f0b7a2d3e4f5061728394a5b6c7d8",
        "span_id": "3f2b1a0c9d8e7f60",
        "environment": "production",
        "prompt": "billing-answer:3",
        "customer": "acme-17",
    }
    assert wanted.items() <= one.metadata.items()
    assert "attributes" not in one.metadata


@pytest.mark.parametrize("name", SHAPES)
def test_spans_events_and_traces_are_left_out_and_counted(name: str) -> None:
    found = found_in(name)
    assert found.bad == []
    assert found.left_out.keys() & {"span", "agent"}
    assert all(one.turns for one in found.generations)


def test_a_failed_generation_is_left_out() -> None:
    found = found_in("langfuse_observations.jsonl")
    assert found.left_out == {"span": 1, "event": 1, "failed generation": 1}
    assert len(found.generations) == 3


@pytest.mark.parametrize("name", ["langfuse_api_trace.json", "langfuse_trace_download.json"])
def test_an_observation_inside_its_trace_has_the_traces_user_and_session(name: str) -> None:
    one = found_in(name).by_id[RESPONSE_ID]
    assert (one.user, one.session_id, one.metadata["trace_name"]) == ("u-17", "s-9", "answer-ticket")


@pytest.mark.parametrize("traces_first", [True, False])
def test_traces_in_a_file_of_their_own_lend_their_user_and_session(traces_first: bool) -> None:
    files = ["langfuse_blob_traces.jsonl", "langfuse_blob_observations.jsonl", "langfuse_blob_scores.jsonl"]
    found = found_in(*(files if traces_first else reversed(files)))
    one = found.by_id[RESPONSE_ID]
    assert (one.user, one.session_id, one.metadata["tags"]) == ("u-17", "s-9", "beta, eu")
    assert found.left_out == {"span": 1, "trace": 1, "score": 1}


def test_without_a_response_id_a_span_is_named_as_at_v1_traces(tmp_path: Path) -> None:
    assert span("55ee66ff77001122") in found_in("langfuse_observations.json").by_id
    assert read_one(tmp_path, metadata={}).id == span("3f2b1a0c9d8e7f60")


def test_a_span_that_the_hook_of_an_sdk_wrote_its_generation_onto_is_that_generation(tmp_path: Path) -> None:
    told = {"aftertag.generation_id": "told-by-the-hook", "aftertag.generation_model": "gpt-4o-mini"}
    assert read_one(tmp_path, metadata={"attributes": told}).id == "told-by-the-hook"
    of_another = {"attributes": {**told, "aftertag.generation_model": "claude-haiku-4-5"}}
    assert read_one(tmp_path, metadata=of_another).id == span("3f2b1a0c9d8e7f60")


@pytest.mark.parametrize("id_", ["clx0observation", "3F2B1A0C9D8E7F60", "d4e5f6a7-0000-4000-8000-000000000001"])
def test_without_a_response_id_an_observation_that_is_no_span_keeps_its_own(tmp_path: Path, id_: str) -> None:
    assert read_one(tmp_path, metadata={}, id=id_).id == id_


def test_what_litellm_logged_to_langfuse_has_the_response_id_inside_its_own() -> None:
    one = found_in("langfuse_observations.json").by_id["chatcmpl-D0aB1cD2eF3gH4iJ5kL6"]
    assert one.metadata["span_id"] == "time-09-20-00-000000_chatcmpl-D0aB1cD2eF3gH4iJ5kL6"
    assert one.tools == ["search_web"]
    assert one.streamed


def test_what_has_no_price_has_no_cost() -> None:
    one = found_in("langfuse_observations.json").by_id["chatcmpl-D0aB1cD2eF3gH4iJ5kL6"]
    assert one.cost_usd is None  # totalCost is 0 there, costDetails empty


def test_a_functions_arguments_and_result_are_what_was_said() -> None:
    one = found_in("langfuse_observations.csv").by_id[span("55ee66ff77001122")]
    assert [turn[:2] for turn in one.turns] == [
        ("user", '{"args": [], "kwargs": {"question": "Where is my order?"}}'),
        ("assistant", '{"intent": "order_status"}'),
    ]


def test_text_with_quotes_and_line_ends_survives_csv() -> None:
    one = found_in("langfuse_observations.csv").by_id[span("66ff770011223344")]
    assert one.turns[0][1] == 'Summarise:\nline one, "quoted"\nline two'


def test_the_fields_before_usage_details_are_read() -> None:
    one = found_in("langfuse_api_v1.json").by_id[span("77001122334455aa")]
    assert (one.usage.prompt, one.usage.completion, one.cost_usd) == (168, 18, Decimal("0.0000264"))


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"usageDetails": {"input": 7, "output": 3, "input_cache_read": 5}}, (12, 3, 5)),
        ({"usageDetails": {"prompt_tokens": 7, "completion_tokens": 3}}, (7, 3, None)),
        ({"usageDetails": {"input": "7", "output": None}}, (7, None, None)),
        ({"usageDetails": None, "usage": {"promptTokens": 7, "completionTokens": 3}}, (7, 3, None)),
        ({"usageDetails": None, "usage": {"input": 900, "output": 3, "unit": "CHARACTERS"}}, (None, None, None)),
        ({"usageDetails": {"total": 30}}, (None, None, None)),
        ({"usageDetails": '{"input":7,"output":3}'}, (7, 3, None)),
    ],
)
def test_usage_is_summed_as_langfuse_sums_it(tmp_path: Path, fields: Any, expected: tuple[int | None, ...]) -> None:
    usage = read_one(tmp_path, **fields).usage
    assert (usage.prompt, usage.completion, usage.cached) == expected


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("Hello", [("user", "Hello")]),
        ([{"role": "user", "content": "Hello"}], [("user", "Hello")]),
        ([[{"type": "human", "content": "Hello"}]], [("user", "Hello")]),
        ({"messages": [{"role": "user", "content": "Hello"}]}, [("user", "Hello")]),
        ({"instructions": "Be brief.", "input": "Hello"}, [("system", "Be brief."), ("user", "Hello")]),
        ([{"role": "user", "parts": [{"type": "text", "content": "Hello"}]}], [("user", "Hello")]),
        ({"question": "Hello"}, [("user", '{"question": "Hello"}')]),
        ([{"question": "Hello"}], [("user", '[{"question": "Hello"}]')]),
        (17, [("user", "17")]),
        ('{"role": "user", "content": "Hello"}', [("user", "Hello")]),
        ("{not JSON", [("user", "{not JSON")]),
    ],
)
def test_inputs_of_every_instrument_are_read(tmp_path: Path, given: Any, expected: list[tuple[str, str]]) -> None:
    assert [turn[:2] for turn in read_one(tmp_path, input=given, output=None).turns] == expected


def test_a_row_without_input_and_output_goes_in_without_text_and_is_not_asked_about(tmp_path: Path) -> None:
    one = read_one(tmp_path, input=None, output=None)
    assert (one.turns, one.source_rate, one.usage.prompt) == ([], 0.0, 168)


def test_a_whole_response_as_output_gives_its_id_and_finish_reason(tmp_path: Path) -> None:
    whole = {"id": RESPONSE_ID, "choices": [{"message": {"content": "Yes."}, "finish_reason": "length"}]}
    one = read_one(tmp_path, metadata={}, output=whole)
    assert (one.id, one.finish_reason, one.turns[-1][1]) == (RESPONSE_ID, "length", "Yes.")


def test_a_row_that_is_nothing_of_langfuse_is_bad_and_the_rest_goes_in(tmp_path: Path) -> None:
    found = found_in(
        write(tmp_path / "a.jsonl", observation(), {"text": "zanzibar"}, [1], observation(id="2", metadata={}))
    )
    assert [(bad.number, bad.reason) for bad in found.bad] == [
        (2, "is no observation, trace or score of Langfuse"),
        (3, "is no observation, trace or score of Langfuse"),
    ]
    assert len(found.generations) == 2
