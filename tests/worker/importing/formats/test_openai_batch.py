"""OpenAI's batches: answers find their requests by `custom_id`, in any order of files; what failed is told."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.worker.importing.formats.reading_exports import EXPORTS, found_in
from tests.worker.importing.stage import write

INPUT, OUTPUT = "openai_batch_input.jsonl", "openai_batch_output.jsonl"
CHAT_ID = "chatcmpl-CkQ1vE7zX2pYt9LmN4aB"
RESPONSES_ID = "resp_67ccd2bed1ec8190b14f964abc0542670bb6a6b452d3795b"


def records(name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (EXPORTS / name).read_text().splitlines()]


@pytest.mark.parametrize("names", [(INPUT, OUTPUT), (OUTPUT, INPUT)])
def test_answers_are_joined_with_their_requests(names: tuple[str, str]) -> None:
    found = found_in(*names)
    assert found.bad == []
    chat, response = found.by_id[CHAT_ID], found.by_id[RESPONSES_ID]
    assert [turn[:2] for turn in chat.turns] == [
        ("system", "You answer for the billing team."),
        ("user", "Why was invoice 4711 charged twice?"),
        ("assistant", "The first charge was a reservation; it falls away on Friday."),
    ]
    assert chat.created_at == datetime(2026, 8, 3, 9, 15, 1, tzinfo=UTC)
    assert (chat.provider, chat.user, chat.finish_reason) == ("openai", "u-17", "stop")
    assert chat.metadata == {"run": "nightly", "custom_id": "request-1", "batch_request_id": "batch_req_0001"}
    assert [turn[:2] for turn in response.turns] == [
        ("system", "Be brief."),
        ("user", "Name a colour."),
        ("assistant", "Blue."),
    ]
    assert (response.tools, response.usage.reasoning) == (["paint"], 4)


def test_requests_that_failed_and_answers_that_are_no_generation_are_left_out() -> None:
    assert found_in(OUTPUT).left_out == {
        "failed request (HTTP 400)": 1,
        "failed request (batch_expired)": 1,
        "answer that is no generation": 1,
    }


def test_without_its_input_file_a_batch_goes_in_with_its_answers_alone() -> None:
    found = found_in(OUTPUT)
    assert [turn[:2] for turn in found.by_id[RESPONSES_ID].turns] == [("assistant", "Blue.")]


def test_an_input_file_alone_holds_no_generation() -> None:
    found = found_in(INPUT)
    assert (found.generations, found.bad) == ([], [])
    assert found.left_out == {"batch request (read for its answer)": 5}


def test_an_answer_without_its_request_among_the_input_files_is_bad(tmp_path: Path) -> None:
    other = write(tmp_path / "input.jsonl", {**records(INPUT)[0], "custom_id": "another"})
    found = found_in(OUTPUT, other)
    assert found.generations == []
    assert {bad.reason for bad in found.bad} == {
        "has a custom_id that no input file has; give the input file of this batch, too"
    }


def test_two_batches_with_the_same_custom_ids_are_not_mixed_up(tmp_path: Path) -> None:
    changed = {**records(INPUT)[0], "body": {"messages": [{"role": "user", "content": "Another question"}]}}
    same = records(INPUT)[3]
    found = found_in(OUTPUT, INPUT, write(tmp_path / "input.jsonl", changed, same))
    assert [one.id for one in found.generations] == [RESPONSES_ID]  # asked the same in both
    [bad] = found.bad
    assert (bad.number, bad.reason) == (
        2,
        "has a custom_id that several of the input files use; import each batch with its own input file",
    )


def test_a_legacy_completions_prompt_is_what_the_user_said(tmp_path: Path) -> None:
    request = {
        "custom_id": "1",
        "method": "POST",
        "url": "/v1/completions",
        "body": {"prompt": "Once upon", "model": "m"},
    }
    body = {"id": "cmpl-uqkvlQyYK7bGYrRHQ0eXlWi7", "object": "text_completion", "choices": [{"text": " a time"}]}
    answer = {"id": "b", "custom_id": "1", "response": {"status_code": 200, "body": body}, "error": None}
    [one] = found_in(write(tmp_path / "a.jsonl", request, answer)).generations
    assert [turn[:2] for turn in one.turns] == [("user", "Once upon"), ("assistant", " a time")]


@pytest.mark.parametrize("response", [None, [], {}, {"status_code": "no"}, {"status_code": 200, "body": "zanzibar"}])
def test_broken_answers_are_left_out(tmp_path: Path, response: Any) -> None:
    found = found_in(write(tmp_path / "a.jsonl", {"id": "b", "custom_id": {}, "response": response, "error": None}))
    assert (found.generations, found.left_out.total()) == ([], 1)
    assert "zanzibar" not in str(found.left_out)
