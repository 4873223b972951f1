"""Every mark that a classifier's call has is read where gateways report it, and nothing else is taken for one."""

from datetime import UTC, datetime
from typing import Any

import pytest

from api_hooks import wire
from api_hooks.wire import own_calls
from classifier_models import marker

MARK = "0123456789abcdef"
NOW = datetime(2026, 11, 25, tzinfo=UTC)


def test_the_classifiers_marks_are_read_as_they_are_written() -> None:
    headers = {name.lower(): value for name, value in marker.headers(MARK).items()}
    for some in (headers, *({name: value} for name, value in headers.items())):
        assert own_calls.of_headers(some) == MARK
    assert own_calls.of_turns([["system", f"{marker.line(MARK)}\r\nPlace it.", None, None]]) == MARK
    assert own_calls.of_metadata(marker.trace(MARK)) == MARK


@pytest.mark.parametrize("value", ["two words", "ünsigned", "x" * 65, "0a1b\n", 1, True, ["0a1b"]])
def test_what_is_no_mark_in_a_field_of_marks_says_that_there_is_one_all_the_same(value: object) -> None:
    assert own_calls.of_metadata({wire.OWN_CALL_KEY: value}) == wire.OWN_CALL_UNSIGNED


@pytest.mark.parametrize("value", [None, "", 0, False])
def test_an_empty_field_says_nothing(value: object) -> None:
    assert own_calls.of_metadata({wire.OWN_CALL_KEY: value}) is None


def test_of_several_names_of_a_program_the_one_with_a_mark_counts() -> None:
    assert own_calls.of_agents(["aftertag-own-call", None, "curl/8", f"aftertag-own-call/{MARK}"]) == MARK
    assert own_calls.of_agents(["aftertag-own-call", 7]) == wire.OWN_CALL_UNSIGNED
    assert own_calls.of_agents([]) is None


@pytest.mark.parametrize(
    ("given", "mark"),
    [
        ({"messages": [{"role": "system", "content": f"{marker.line(MARK)}\nPlace it."}]}, MARK),
        ({"messages": [{"role": "system", "content": "[aftertag own call]"}]}, wire.OWN_CALL_UNSIGNED),
        ({"messages": "hi", "own_call": MARK}, MARK),
        ({"messages": "hi", "own_call": True}, wire.OWN_CALL_UNSIGNED),
        ({"messages": "hi", "metadata": marker.trace(MARK)}, MARK),
        ({"messages": "hi", "own_call": False}, None),
        ({"messages": [{"role": "user", "content": marker.line(MARK)}]}, None),
    ],
)
def test_a_generation_carries_the_mark_as_it_was_seen(given: dict[str, Any], mark: str | None) -> None:
    made = wire.generation({"workspace": "acme", **given}, now=NOW, random_bytes=bytes(10))
    assert made.get("own_call") == mark
