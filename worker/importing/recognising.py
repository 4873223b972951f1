"""Which kind of export a file is, from what it holds; where that is not certain, somebody has to say it."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from worker import errors
from worker.importing.beside import Beside, shelf
from worker.importing.containers import Container, Row, container_of, rows
from worker.importing.formats import BY_NAME, FORMATS, Format, openai_batch
from worker.importing.opening import head, opened

ROWS_LOOKED_AT = 50

Asked = Callable[[Path, Sequence[Format]], Format | None]
"""Asks a person what a file is, of the kinds that it may be; None when there is nobody to ask."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Export:
    """One file to import: what it is made of, and what kind of export it is; plain when there is no row in it."""

    path: Path
    container: Container
    format: Format
    is_empty: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Exports:
    """The files of one import, and what their rows need of one another."""

    files: Sequence[Export]
    beside: Beside

    @property
    def lacks_requests(self) -> bool:
        """Whether there are answers of a batch, and of no batch the requests."""
        batches = any(export.format is openai_batch.FORMAT for export in self.files)
        return batches and not self.beside.has(openai_batch.REQUEST)


def nobody(path: Path, candidates: Sequence[Format]) -> Format | None:
    """There is nobody to ask."""
    return None


@contextmanager
def recognised(paths: Sequence[Path], *, named: str | None = None, ask: Asked = nobody) -> Iterator[Exports]:
    """Yield the exports that the files are, ready to be read any number of times.

    `named` is the kind of all of them; without it each file's is found from its first rows. Raise UnsureFormatError for
    a file that may be several kinds or none, UnreadableExportError for what is no text.
    """
    with shelf() as beside:
        files = [_recognise(path, named=named, ask=ask) for path in paths]
        for place, export in enumerate(files):
            _keep(export, beside, source=str(place))
        yield Exports(files=files, beside=beside)


def _recognise(path: Path, *, named: str | None, ask: Asked) -> Export:
    container = container_of(head(path))
    is_empty = _is_empty(path, container)
    if named is not None or is_empty:
        return Export(path=path, container=container, format=BY_NAME[named or "plain"], is_empty=is_empty)
    candidates = _candidates(path, container)
    if len(candidates) == 1:
        return Export(path=path, container=container, format=candidates[0])
    chosen = ask(path, candidates or FORMATS)
    if chosen is None:
        known = ", ".join(each.name for each in FORMATS)
        what = " and ".join(each.name for each in candidates)
        problem = f"has rows of {what}" if candidates else "is none of the exports that are known"
        raise errors.UnsureFormatError(f"{str(path)!r} {problem}; say what it is with --format ({known}).")
    return Export(path=path, container=container, format=chosen)


def _is_empty(path: Path, container: Container) -> bool:
    with opened(path) as file:
        return next(iter(rows(file, container)), None) is None


def _candidates(path: Path, container: Container) -> list[Format]:
    """The kinds of the first rows."""
    found: Counter[str] = Counter()
    with opened(path) as file:
        for row in islice(rows(file, container), ROWS_LOOKED_AT):
            if isinstance(row, Row) and isinstance(row.document, Mapping):
                name = next((each.name for each in FORMATS if each.recognises(row.document)), None)
                found.update([name] if name else [])
    return [BY_NAME[name] for name in found]


def _keep(export: Export, beside: Beside, *, source: str) -> None:
    """Read a file for what other rows need of it, where its first rows have such: twice the reading of a large file."""
    with opened(export.path) as file:
        for place, row in enumerate(rows(file, export.container)):
            if not (isinstance(row, Row) and _kept(export.format, row, beside, source)) and place == 0:
                return


def _kept(kind: Format, row: Row, beside: Beside, source: str) -> bool:
    try:
        return kind.keep(row.document, beside, source)
    except RecursionError:
        return True  # nested too deeply; reading it says so
