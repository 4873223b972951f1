"""Opening an export: plain or gzipped text, its beginning looked at; what it is made of is found out next."""

import gzip
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, cast

from worker import errors

HEAD_BYTES = 256 * 1024
BYTE_ORDER_MARK = b"\xef\xbb\xbf"

_GZIP = b"\x1f\x8b"
_OTHERS = (
    (b"PK\x03\x04", "a ZIP archive: unpack it first"),
    (b"PAR1", "Parquet: export it as JSON, JSON Lines or CSV"),
    (b"\x28\xb5\x2f\xfd", "compressed with zstd: unpack it first (gzip is read as it is)"),
    (b"SQLite format 3", "an SQLite database: export the table as CSV"),
    (b"\xff\xfe", "UTF-16: save it as UTF-8"),
    (b"\xfe\xff", "UTF-16: save it as UTF-8"),
)

CUT_OFF = (EOFError, zlib.error, gzip.BadGzipFile)
"""What reading a gzipped file that is damaged, or ends too early, raises."""


@contextmanager
def opened(path: Path) -> Iterator[BinaryIO]:
    """Yield the file's bytes, unpacked, from after a byte order mark. Raise UnreadableExportError, OSError."""
    if not path.is_file():
        raise errors.UnreadableExportError(f"{str(path)!r} is no regular file; an import reads its files twice.")
    with path.open("rb") as file:
        magic = file.read(2)
        file.seek(0)
        # The stub of gzip.open promises less than it is: a seekable reader of bytes.
        unpacked = cast("BinaryIO", gzip.open(file)) if magic == _GZIP else file  # noqa: SIM115 - closed with `file`
        if unpacked.read(len(BYTE_ORDER_MARK)) != BYTE_ORDER_MARK:
            unpacked.seek(0)
        yield unpacked


def head(path: Path) -> bytes:
    """The beginning of an export, up to 256 KiB. Raise UnreadableExportError, which says what is no text here."""
    try:
        with opened(path) as file:
            found = file.read(HEAD_BYTES)
    except CUT_OFF:
        raise errors.UnreadableExportError(f"{str(path)!r} is gzipped, and damaged at its beginning.") from None
    for magic, what in _OTHERS:
        if found.startswith(magic):
            raise errors.UnreadableExportError(f"{str(path)!r} is {what}.")
    if b"\0" in found:
        raise errors.UnreadableExportError(
            f"{str(path)!r} is no text; an import reads JSON, JSON Lines and CSV, also gzipped."
        )
    return found
