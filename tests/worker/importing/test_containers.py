"""Files are read row by row whatever they are made of, and whatever is broken in them."""

import csv
import gzip
import io
import json
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO, cast

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.worker.importing.stage import chat, read, written
from worker.importing import LINE_BYTES, BadLine, Line, containers
from worker.importing.containers import BadRow, Container, Row, container_of, rows
from worker.importing.opening import opened

WRITTEN: list[tuple[str, Container]] = [
    ('{"a": 1}\n{"a": 2}\n', "lines"),
    ('{"a": 1}', "lines"),
    ('{"a": 1}\r\n\r\n{"a": 2}', "lines"),
    ("{broken\n{}", "lines"),
    ("[1]\n[2]\n", "lines"),
    ("zanzibar\n{}", "lines"),
    ("one, two\n{}", "lines"),
    ("", "lines"),
    ('[{"a": 1}]', "array"),
    ("[\n", "array"),
    ('  \n[{"a": 1},\n {"a": 2}]', "array"),
    ('{\n  "a": 1\n}\n', "values"),
    ('{"trace": {\n  "a": 1\n}}', "values"),
    ('"id","type"\n"1","SPAN"\n', "csv"),
    ("request_id,call_type\n1,completion\n", "csv"),
]


@pytest.mark.parametrize(("content", "container"), WRITTEN)
def test_what_a_file_is_made_of_is_seen_from_its_beginning(content: str, container: Container) -> None:
    assert container_of(content.encode()) == container


def read_as(container: Container, content: bytes) -> list[Row | BadRow]:
    return list(rows(io.BytesIO(content), container))


def documents(found: list[Row | BadRow]) -> list[Any]:
    return [row.document for row in found if isinstance(row, Row)]


def test_what_is_broken_inside_an_array_ends_it_and_what_came_before_goes_in() -> None:
    first, second, bad = read_as("array", b'[{"a": 1}, {"a": 2}, {zanzibar}, {"a": 4}]')
    assert documents([first, second]) == [{"a": 1}, {"a": 2}]
    assert bad == BadRow(number=3, reason="is not JSON, or the array is never closed; nothing after it was read")


def test_an_array_that_was_cut_off_is_told() -> None:
    *good, bad = read_as("array", b'[{"a": 1}, {"a": 2}, {"a"')
    assert (len(good), bad) == (
        2,
        BadRow(number=3, reason="is not JSON, or the array is never closed; nothing after it was read"),
    )


def test_numbers_stay_numbers() -> None:
    assert documents(read_as("array", b'[{"a": 1, "b": 0.1, "c": 1e3}]')) == [{"a": 1, "b": 0.1, "c": 1000.0}]


def test_several_objects_over_several_lines_are_read_each() -> None:
    assert documents(read_as("values", b'{\n "a": 1\n}\n{\n "a": 2\n}\n')) == [{"a": 1}, {"a": 2}]


@pytest.mark.parametrize("container", ["array", "values"])
def test_an_element_that_is_too_long_ends_its_file(container: Container) -> None:
    opening, closing = (b"[", b"]") if container == "array" else (b"", b"")
    content = (
        opening
        + b'{"a": 1}'
        + (b"," if opening else b"")
        + b'{"a": "'
        + b"x" * (LINE_BYTES + 2_000_000)
        + b'"}'
        + closing
    )
    first, bad = read_as(container, content)
    assert documents([first]) == [{"a": 1}]
    assert bad == BadRow(number=2, reason="is longer than 64,000,000 bytes; nothing after it was read")


def test_a_quote_that_is_never_closed_ends_a_csv_file_and_does_not_fill_the_memory() -> None:
    content = b'a,b\n1,2\n3,"' + (b"x" * 999 + b"\n") * (LINE_BYTES // 1_000 + 1)
    first, bad = read_as("csv", content)
    assert documents([first]) == [{"a": "1", "b": "2"}]
    assert bad == BadRow(number=3, reason="is too long, or a quote in it is never closed; nothing after it was read")


def test_csv_rows_with_too_few_or_too_many_cells_are_bad_and_the_rest_goes_on() -> None:
    found = read_as("csv", b"a,b\n1\n1,2,3\n\n1,2\n")
    assert [row.number for row in found] == [2, 3, 4]
    assert [row.reason for row in found if isinstance(row, BadRow)] == ["has not the 2 columns of the header"] * 2
    assert documents(found) == [{"a": "1", "b": "2"}]


def test_csv_that_is_not_utf8_is_told() -> None:
    assert read_as("csv", b"a,b\n\xff,2\n") == [BadRow(number=2, reason="is not UTF-8; nothing after it was read")]


def test_empty_cells_are_missing_and_cells_over_the_parsers_own_limit_are_read() -> None:
    [row] = read_as("csv", b'a,b\n"",' + b"x" * 200_000 + b"\n")
    assert isinstance(row, Row)
    assert (row.document["a"], len(row.document["b"])) == (None, 200_000)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(["lines", "array", "values", "csv"]), st.binary(max_size=200))
def test_no_bytes_raise(container: Container, content: bytes) -> None:
    numbers = [row.number for row in read_as(container, content)]
    assert numbers == sorted(numbers)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.sampled_from(["lines", "array", "values", "csv"]),
    st.text(alphabet='[]{}",:\\ \n\r1eNu\x00\ud83d', max_size=60),
)
def test_no_text_that_nearly_is_json_or_csv_raises(container: Container, content: str) -> None:
    encoded = content.encode("utf-8", "surrogatepass")
    assert all(isinstance(row, Row | BadRow) for row in read_as(container, encoded))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), inner)
    ),
    max_leaves=8,
)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), JSON), max_size=5))
def test_lines_and_an_array_of_the_same_documents_hold_the_same(found: list[Any]) -> None:
    lines = read_as("lines", b"".join(json.dumps(one).encode() + b"\n" for one in found))
    assert documents(lines) == documents(read_as("array", json.dumps(found).encode())) == found


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(
        st.lists(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")), min_size=2, max_size=2)
    )
)
def test_csv_comes_back_as_it_was_written(found: list[list[str]]) -> None:
    text = io.StringIO()
    csv.writer(text, quoting=csv.QUOTE_ALL).writerows([["a", "b"], *found])
    expected = [{"a": a or None, "b": b or None} for a, b in found]
    assert documents(read_as("csv", text.getvalue().encode())) == expected


def test_deeply_nested_elements_are_bad() -> None:
    found = read_as("array", b"[" + b'{"a": ' * 5_000 + b"1" + b"}" * 5_000 + b', {"a": 2}]')
    assert isinstance(found[0], BadRow)


class Endless(io.RawIOBase):
    """An array of so many megabytes, made while it is read."""

    def __init__(self, megabytes: int) -> None:
        self._pieces = self._made(megabytes)
        self._left = b""

    def _made(self, megabytes: int) -> Iterator[bytes]:
        element = json.dumps(chat("x" * 1_000)).encode()
        yield b"[" + element
        for _ in range(megabytes * 1_000_000 // len(element)):
            yield b"," + element
        yield b"]"

    def read(self, size: int = -1) -> bytes:
        while len(self._left) < size and (piece := next(self._pieces, b"")):
            self._left += piece
        found, self._left = self._left[:size], self._left[size:]
        return found


def test_a_large_array_takes_no_more_memory_than_a_small_one() -> None:
    tracemalloc.start()
    count = sum(1 for _ in rows(cast("BinaryIO", Endless(60)), "array"))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert count > 40_000
    assert peak < 5_000_000


def test_gzipped_files_are_read_as_they_are(tmp_path: Path) -> None:
    line = json.dumps(chat("one")).encode() + b"\n"
    path = written(tmp_path / "a.jsonl.gz", gzip.compress(line) + gzip.compress(line))  # as several parts, too
    assert [type(one) for one in read(path)] == [Line, Line]


def test_a_gzipped_file_that_was_cut_off_is_told_and_what_came_before_goes_in(tmp_path: Path) -> None:
    lines = b"".join(json.dumps(chat(f"number {number}")).encode() + b"\n" for number in range(20_000))
    path = written(tmp_path / "a.jsonl.gz", gzip.compress(lines)[:-2_000])
    *good, bad = read(path)
    assert len(good) > 1_000
    assert isinstance(bad, BadLine)
    assert (bad.number, bad.reason) == (
        len(good) + 1,
        "is where the file's compression is damaged; nothing after it was read",
    )


def test_a_byte_order_mark_is_no_part_of_the_first_row(tmp_path: Path) -> None:
    path = written(tmp_path / "a.jsonl", b"\xef\xbb\xbf" + json.dumps(chat("one")).encode())
    assert [type(one) for one in read(path)] == [Line]
    with opened(path) as file:
        assert file.read(1) == b"{"


def test_the_readers_are_those_of_all_containers() -> None:
    assert containers._READERS.keys() == containers.UNITS.keys()
