"""What a file is, is found from what it holds; where that is not certain, nobody guesses."""

import gzip
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from api_hooks import wire
from tests.worker.importing.formats.reading_exports import EXPORTS
from tests.worker.importing.stage import MODIFIED, chat, read, write, written
from worker import errors, importing
from worker.importing import FORMATS, BadLine, Format, LeftOut, Line
from worker.importing.beside import shelf
from worker.importing.formats import Unusable

KIND_OF = {
    "langfuse": "langfuse",
    "litellm": "litellm",
    "openai": "openai-batch",
    "sharegpt": "plain",
    "fine": "plain",
    "stored": "plain",
}
FILES = sorted(path for path in EXPORTS.iterdir() if path.suffix != ".md")


def kinds(*paths: Path) -> list[str]:
    with importing.recognised(paths) as exports:
        return [export.format.name for export in exports.files]


def problem(path: Path) -> str:
    with pytest.raises(errors.AftertagError) as caught:
        kinds(path)
    return str(caught.value)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_every_export_is_recognised_also_gzipped(path: Path, tmp_path: Path) -> None:
    expected = KIND_OF[path.name.split("_")[0].split(".")[0]]
    packed = written(tmp_path / "export", gzip.compress(path.read_bytes()))
    assert kinds(path, packed) == [expected, expected]


def test_each_file_of_an_import_may_be_of_another_kind(tmp_path: Path) -> None:
    paths = [
        EXPORTS / "langfuse_observations.csv",
        write(tmp_path / "a.jsonl", chat("x")),
        EXPORTS / "litellm_daily.json",
    ]
    assert kinds(*paths) == ["langfuse", "plain", "litellm"]


def test_a_file_with_rows_of_two_kinds_is_not_guessed_at(tmp_path: Path) -> None:
    path = write(tmp_path / "a.jsonl", chat("x"), {"request_id": "1", "call_type": "completion"})
    assert problem(path) == (
        f"'{path}' has rows of plain and litellm; say what it is with --format (langfuse, litellm, openai-batch, plain)."
    )


@pytest.mark.parametrize("content", [b'{"prompt": "x"}\n', b"some notes\n", b"a,b\n1,2\n", b'[{"a": 1}]', b"[]x", b"{"])
def test_what_is_no_export_that_is_known_is_told_in_one_sentence(tmp_path: Path, content: bytes) -> None:
    path = written(tmp_path / "a", content)
    assert problem(path).startswith(f"'{path}' is none of the exports that are known; say what it is with --format")


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"PK\x03\x04rest", "is a ZIP archive: unpack it first."),
        (b"PAR1rest", "is Parquet: export it as JSON, JSON Lines or CSV."),
        ("{}".encode("utf-16"), "is UTF-16: save it as UTF-8."),
        (b"\x7fELF\0\0", "is no text; an import reads JSON, JSON Lines and CSV, also gzipped."),
        (b"\x1f\x8b\x08broken", "is gzipped, and damaged at its beginning."),
        (b"\x1f\x8b", "is gzipped, and damaged at its beginning."),
        (b"\x28\xb5\x2f\xfdrest", "is compressed with zstd: unpack it first (gzip is read as it is)."),
    ],
)
def test_what_is_no_text_is_told_in_one_sentence(tmp_path: Path, content: bytes, what: str) -> None:
    path = written(tmp_path / "a", content)
    assert problem(path) == f"'{path}' {what}"


def test_a_pipe_cannot_be_read_twice(tmp_path: Path) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    assert problem(path) == f"'{path}' is no regular file; an import reads its files twice."


def test_an_empty_file_holds_nothing_and_nothing_is_wrong_with_it(tmp_path: Path) -> None:
    assert read(written(tmp_path / "a.jsonl", b"")) == []
    assert read(written(tmp_path / "b.json", b"[]")) == []
    assert read(written(tmp_path / "c.gz", gzip.compress(b""))) == []


def test_who_is_asked_is_shown_what_it_may_be_and_decides(tmp_path: Path) -> None:
    path = write(tmp_path / "a.jsonl", chat("x"), {"request_id": "1", "call_type": "completion"})
    shown: list[str] = []

    def ask(path: Path, candidates: Sequence[Format]) -> Format:
        shown.extend(each.name for each in candidates)
        return candidates[0]

    with importing.recognised([path], ask=ask) as exports:
        found = list(importing.lines(exports, workspace="acme"))
    assert shown == ["plain", "litellm"]
    assert [type(one) for one in found] == [Line, BadLine]


def test_a_named_kind_counts_for_every_file_whatever_it_holds(tmp_path: Path) -> None:
    found = read(write(tmp_path / "a.jsonl", chat("x")), named="langfuse")
    assert found == [BadLine(file="a.jsonl", number=1, reason="is no observation, trace or score of Langfuse")]


STRANGE = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=5)
    | st.sampled_from(["{", '{"a":1}', "[]"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
SHAPES: dict[str, list[str]] = {
    "langfuse": [
        "id",
        "type",
        "traceId",
        "startTime",
        "endTime",
        "input",
        "output",
        "metadata",
        "usageDetails",
        "costDetails",
        "usage",
        "totalCost",
        "model",
        "level",
        "userId",
        "sessionId",
        "tags",
        "promptName",
        "toolDefinitions",
        "completionStartTime",
        "observations",
        "trace",
        "data",
        "timestamp",
    ],
    "litellm": [
        "request_id",
        "call_type",
        "spend",
        "startTime",
        "endTime",
        "metadata",
        "messages",
        "response",
        "proxy_server_request",
        "request_tags",
        "prompt_tokens",
        "status",
        "end_user",
        "session_id",
        "data",
        "request_duration_ms",
    ],
    "openai-batch": ["id", "custom_id", "response", "error", "body", "url", "method"],
    "plain": [
        "messages",
        "turns",
        "output",
        "conversations",
        "system",
        "tools",
        "object",
        "choices",
        "created",
        "metadata",
        "id",
        "usage",
    ],
}
KNOWN: dict[str, Any] = {"type": "GENERATION", "call_type": "completion", "object": "chat.completion"}


@pytest.mark.parametrize("each", FORMATS, ids=lambda each: each.name)
@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(given_fields=st.data())
def test_no_row_makes_a_format_fail_whatever_its_fields_hold(each: Format, given_fields: st.DataObject) -> None:
    names = SHAPES[each.name]
    row = given_fields.draw(st.dictionaries(st.sampled_from(names), STRANGE))
    known = given_fields.draw(st.sets(st.sampled_from(sorted(KNOWN))))
    row |= {name: KNOWN[name] for name in known & set(names)}
    with shelf() as beside:
        assert each.recognises(row) in (True, False)
        each.keep(row, beside, "0")
        for part in each.read(row, beside):
            assert isinstance(part, dict | LeftOut | Unusable)
            if isinstance(part, dict):
                wire.generation({**part, "workspace": "acme"}, now=MODIFIED, random_bytes=bytes(10))


@pytest.mark.parametrize("each", FORMATS, ids=lambda each: each.name)
@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(document=STRANGE)
def test_no_document_makes_a_format_fail(each: Format, document: Any) -> None:
    with shelf() as beside:
        each.keep(document, beside, "0")
        assert all(not isinstance(part, Exception) for part in each.read(document, beside))
