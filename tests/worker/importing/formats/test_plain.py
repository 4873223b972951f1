"""Plain exports: lists of messages, ShareGPT's turns, fine-tuning lines, stored completions."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.worker.importing.formats.reading_exports import found_in, only
from tests.worker.importing.stage import chat, write, written


def test_sharegpts_conversations_are_read_with_their_tool_calls() -> None:
    first, second = found_in("sharegpt.json").generations
    assert first.id == "abc_0"
    assert [turn[:2] for turn in first.turns] == [("user", "What is a lease?"), ("assistant", "A contract.")]
    assert [turn[:3] for turn in second.turns] == [
        ("system", "Be brief.", None),
        ("user", "Weather in Bern?", None),
        ("tool_call", '{"city": "Bern"}', "weather"),
        ("tool_result", '{"celsius": 4}', None),
        ("assistant", "4 degrees.", None),
    ]
    assert second.tools == []


@pytest.mark.parametrize("said", ["look it up", None, 7, "[1]", "{broken"])
def test_a_sharegpt_call_that_is_no_json_is_kept_as_it_is(tmp_path: Path, said: Any) -> None:
    turns = [{"from": "human", "value": "Hi"}, {"from": "function_call", "value": said}, 7, {"value": "?"}]
    one = only(write(tmp_path / "a.jsonl", {"conversations": turns}))
    assert [turn[0] for turn in one.turns][:2] == ["user", "tool_call"]


def test_lines_of_fine_tuning_are_conversations() -> None:
    first, second = found_in("fine_tuning.jsonl").generations
    assert [turn[0] for turn in first.turns] == ["system", "user", "assistant"]
    assert second.tools == ["f"]


def test_a_stored_completion_has_its_own_id_time_and_usage() -> None:
    one = only("stored_completions.jsonl")
    assert one.id == "chatcmpl-AyPNinnUqUDYo9SAdA52NobMflmj2"
    assert one.created_at == datetime(2025, 2, 7, 20, 36, 50, tzinfo=UTC)
    assert (one.usage.prompt, one.usage.completion, one.metadata) == (13, 18, {"feature": "poems"})
    assert [turn[:2] for turn in one.turns] == [("assistant", "Mind of circuits hum,")]


def test_an_array_holds_what_lines_hold_and_equal_elements_are_kept_each(tmp_path: Path) -> None:
    path = written(tmp_path / "a.json", str([chat("one"), chat("two"), chat("one")]).replace("'", '"'))
    ids = [one.id for one in found_in(path).generations]
    assert len(set(ids)) == 3
    assert ids[2] == ids[0][:-1] + "2"
    assert [one.id for one in found_in(path).generations] == ids
