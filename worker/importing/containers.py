"""What an export's file is made of: lines of JSON, one JSON array, a few JSON values, or CSV; and its rows, one by one.

Whatever the file's size, one row is in memory at a time. A row that cannot be read is told, and the reading goes on
after it; where a file gives no place to go on from (broken inside an array), the rest is told as one.
"""

import csv
import io
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, BinaryIO, Literal

import ijson

from worker.importing.opening import CUT_OFF

LINE_BYTES = 64_000_000
"""The most that one line, element or CSV row may take up."""

_AT_ONCE = 1 << 20  # the parser looks at a text from its start again with every piece: 64 KB took 16 s for 64 MB

Container = Literal["lines", "array", "values", "csv"]

UNITS: dict[Container, str] = {"lines": "line", "array": "element", "values": "value", "csv": "row"}
_NO_JSON: dict[Container, str] = {
    "lines": "is not JSON; one generation per line, as JSON",
    "array": "is not JSON, or the array is never closed; nothing after it was read",
    "values": "is not JSON, or is never closed; nothing after it was read",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One row: its document, and the digest that a missing id is derived from."""

    number: int
    document: Any = field(repr=False)
    digest: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class BadRow:
    """A row that cannot be read, and why."""

    number: int
    reason: str


class _TooLongError(ValueError):
    """More bytes than a row may have."""


def container_of(head: bytes) -> Container:
    """Say from its beginning what a file is made of."""
    text = head.lstrip()
    first, newline, rest = text.partition(b"\n")
    if text[:1] == b"[":
        return "lines" if rest.strip() and _is_json(first) else "array"
    if text[:1] == b"{":
        goes_on = bool(newline) and not rest.lstrip(b" \t\r\n").startswith(b"{")
        return "values" if goes_on and bool(rest.strip()) and not _is_json(first) else "lines"
    return "csv" if b"," in first and not rest.lstrip().startswith(b"{") else "lines"


def rows(file: BinaryIO, container: Container) -> Iterator[Row | BadRow]:
    """Yield a file's rows in order. Numbers are those of lines, of array elements, or of CSV rows, the header being 1."""
    number = 0
    try:
        for row in _READERS[container](file):
            number = row.number
            yield row
    except CUT_OFF:
        yield BadRow(number=number + 1, reason="is where the file's compression is damaged; nothing after it was read")


def _lines(file: BinaryIO) -> Iterator[Row | BadRow]:
    number = 0
    while raw := file.readline(LINE_BYTES + 1):
        number += 1
        if len(raw) > LINE_BYTES:
            yield BadRow(number=number, reason=f"is longer than {LINE_BYTES:,} bytes; split it")
            while not raw.endswith(b"\n") and (raw := file.readline(LINE_BYTES + 1)):
                pass  # the rest of a line that is too long is no line of its own
            continue
        stripped = raw.strip()
        if not stripped:
            continue
        try:
            document = json.loads(stripped)
        except (ValueError, RecursionError):
            yield BadRow(number=number, reason=_NO_JSON["lines"])
            continue
        yield Row(number=number, document=document, digest=sha256(stripped).digest())


def _array(file: BinaryIO) -> Iterator[Row | BadRow]:
    return _values(file, prefix="item", container="array")


def _several(file: BinaryIO) -> Iterator[Row | BadRow]:
    return _values(file, prefix="", container="values")


def _values(file: BinaryIO, *, prefix: str, container: Container) -> Iterator[Row | BadRow]:
    measured = _Measured(file)
    number = 0
    try:
        for document in ijson.items(measured, prefix, buf_size=_AT_ONCE, use_float=True, multiple_values=True):
            number += 1
            measured.bytes_of_this_row = 0
            yield _element(number, document)
    except _TooLongError:
        reason = f"is longer than {LINE_BYTES:,} bytes; nothing after it was read"
        yield BadRow(number=number + 1, reason=reason)
    except (ijson.JSONError, UnicodeDecodeError, OverflowError):
        yield BadRow(number=number + 1, reason=_NO_JSON[container])


def _element(number: int, document: Any) -> Row | BadRow:
    try:
        return Row(number=number, document=document, digest=digest_of(document))
    except RecursionError:
        return BadRow(number=number, reason="is nested too deeply")


def _csv(file: BinaryIO) -> Iterator[Row | BadRow]:
    csv.field_size_limit(LINE_BYTES)
    measured = _MeasuredText(file)
    reader = csv.DictReader(measured)
    number = 1
    while True:
        number += 1
        measured.characters_of_this_row = 0
        try:
            found = next(reader, None)
        except (_TooLongError, csv.Error):
            yield BadRow(
                number=number, reason="is too long, or a quote in it is never closed; nothing after it was read"
            )
            return
        except UnicodeDecodeError:
            yield BadRow(number=number, reason="is not UTF-8; nothing after it was read")
            return
        if found is None:
            return
        if None in found or None in found.values():
            yield BadRow(number=number, reason=f"has not the {len(reader.fieldnames or ())} columns of the header")
            continue
        document = {name: value or None for name, value in found.items()}
        yield Row(number=number, document=document, digest=digest_of(document))


def digest_of(document: Any) -> bytes:
    """The digest of what a document says, however its file writes it."""
    written = json.dumps(document, ensure_ascii=True, sort_keys=True, separators=(",", ":"), default=str)
    return sha256(written.encode()).digest()


def _is_json(raw: bytes) -> bool:
    try:
        json.loads(raw)
    except (ValueError, RecursionError):
        return False
    return True


class _Measured:
    """A file for the JSON parser, which ends when a row gets too long: the parser holds a row's text by itself."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.bytes_of_this_row = 0

    def read(self, size: int = -1) -> bytes:
        self.bytes_of_this_row += size
        if self.bytes_of_this_row > LINE_BYTES:
            raise _TooLongError
        return self._file.read(size)


class _MeasuredText:
    """Lines for the CSV parser, which end when a row gets too long: an open quote would take in the whole file."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.characters_of_this_row = 0

    def __iter__(self) -> Iterator[str]:
        text = io.TextIOWrapper(self._file, encoding="utf-8", newline="")
        try:
            while line := text.readline(LINE_BYTES + 1):
                self.characters_of_this_row += len(line)
                if self.characters_of_this_row > LINE_BYTES:
                    raise _TooLongError
                yield line
        finally:
            text.detach()


_READERS = {"lines": _lines, "array": _array, "values": _several, "csv": _csv}
