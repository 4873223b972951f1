"""Rows become generations with ids and times from content and position; a bad one is told and the rest goes in."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.worker import line_stage
from tests.worker.importing.stage import MODIFIED, chat, good, read, write
from worker import importing
from worker.importing import BadLine, Line


def test_a_line_without_id_and_time_gets_both_from_its_content_and_place(tmp_path: Path) -> None:
    path = write(tmp_path / "a.jsonl", chat("one"), chat("two"), chat("one"))
    first, second, third = good(path)
    assert first.generation.id.startswith("import-")
    assert first.generation.id.endswith("-1")
    assert third.generation.id == first.generation.id[:-1] + "2"
    assert second.generation.id not in (first.generation.id, third.generation.id)
    assert [line.generation.created_at - MODIFIED for line in (first, second, third)] == [
        timedelta(microseconds=number) for number in (1, 2, 3)
    ]
    assert [line.generation for line in good(path)] == [line.generation for line in (first, second, third)]


def test_a_line_keeps_the_id_time_and_workspace_it_carries(tmp_path: Path) -> None:
    given = chat("one", id="mine", created_at="2023-05-06T07:08:09Z", workspace="beta")
    [line] = read(write(tmp_path / "a.jsonl", given), workspace=None)
    assert isinstance(line, Line)
    assert (line.generation.id, line.generation.workspace, line.timed) == ("mine", "beta", True)
    assert line.generation.created_at == datetime(2023, 5, 6, 7, 8, 9, tzinfo=UTC)
    [elsewhere] = good(write(tmp_path / "b.jsonl", given))
    assert elsewhere.generation.workspace == "acme"


def test_generations_as_the_wire_writes_them_go_in_too(tmp_path: Path) -> None:
    [line] = good(write(tmp_path / "a.jsonl", line_stage.wire("1")))
    assert line.generation.turns[0][:2] == ("user", "Why is the sky blue?")


BAD: list[tuple[bytes, str]] = [
    (b"{zanzibar", "is not JSON; one generation per line, as JSON"),
    (b'{"messages": "zanzibar\xff"}', "is not JSON; one generation per line, as JSON"),
    (b"[" * 100_000, "is not JSON; one generation per line, as JSON"),
    (b'{"n": ' + b"9" * 5_000 + b"}", "is not JSON; one generation per line, as JSON"),
    (b'["zanzibar"]', 'is JSON but no object; write {"messages": […]}'),
    (b'{"text": "zanzibar"}', 'has neither "messages" nor "turns" nor "output"'),
    (b'{"messages": []}', 'has neither "messages" nor "turns" nor "output"'),
]


@pytest.mark.parametrize(("line", "reason"), BAD)
def test_a_bad_line_is_told_with_its_number_and_its_reason_and_the_rest_goes_in(
    tmp_path: Path, line: bytes, reason: str
) -> None:
    before, bad, after = read(write(tmp_path / "a.jsonl", chat("one"), line, b"", chat("two")))
    assert isinstance(before, Line)
    assert bad == BadLine(file="a.jsonl", number=2, reason=reason)
    assert isinstance(after, Line)
    assert after.number == 4


def test_a_line_without_any_workspace_is_told_what_to_do(tmp_path: Path) -> None:
    [bad] = read(write(tmp_path / "a.jsonl", chat("one")), workspace=None)
    assert isinstance(bad, BadLine)
    assert bad.reason.startswith("workspace: there is none")
    assert bad.reason.endswith("Or give --workspace.")


def test_a_line_that_is_too_long_is_one_bad_line(tmp_path: Path) -> None:
    long = b'{"messages": "' + b"x" * (2 * importing.LINE_BYTES) + b'"}'
    found = read(write(tmp_path / "a.jsonl", chat("one"), long, chat("two")))
    assert [line.number for line in found] == [1, 2, 3]
    assert found[1] == BadLine(file="a.jsonl", number=2, reason="is longer than 64,000,000 bytes; split it")


def test_a_time_that_cannot_be_is_told_with_what_to_do(tmp_path: Path) -> None:
    [bad] = read(write(tmp_path / "a.jsonl", chat("one", created_at="1901-05-06T00:00:00Z")))
    assert isinstance(bad, BadLine)
    assert bad.reason == (
        "created_at: 1901-05-06 is implausible; it takes the last 14,600 days to one day ahead"
        " (without a time the file's counts)"
    )


def test_what_a_line_says_stays_out_of_its_repr(tmp_path: Path) -> None:
    [line] = good(write(tmp_path / "a.jsonl", chat("zanzibar")))
    assert "zanzibar" not in repr(line)


@pytest.mark.parametrize("depth", [300, 700, 900, 980, 5_000])
@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b'{"messages": ', b"}"),
        (b'{"type": "GENERATION", "traceId": "1", "input": ', b"}"),
        (b'{"custom_id": "1", "url": "/v1/responses", "body": {"input": ', b"}}"),
        (b'{"request_id": "1", "call_type": "completion", "response": ', b"}"),
        (b'{"id": "1", "timestamp": "2026-08-03", "bookmarked": true, "name": ', b"}"),
    ],
)
def test_no_nesting_is_too_deep_to_tell(tmp_path: Path, depth: int, before: bytes, after: bytes) -> None:
    for opening, closing in ((b"[", b"]"), (b'{"a": ', b"}")):
        line = before + opening * depth + b"1" + closing * depth + after
        for name in importing.BY_NAME:
            assert len(read(write(tmp_path / "a.jsonl", line, chat("one")), named=name)) == 2
