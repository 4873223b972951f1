"""From an export's rows to generations that may be recorded, each with an id and a time; surveying them is next."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from api_hooks import wire
from worker import generation
from worker.generation import Generation
from worker.importing.containers import UNITS, BadRow, Row, digest_of, rows
from worker.importing.formats import LeftOut, Unusable
from worker.importing.opening import opened
from worker.importing.recognising import Export, Exports

ANY_AGE = timedelta(days=365 * 40)
_TOO_DEEP = "is nested too deeply"


@dataclass(frozen=True, slots=True, kw_only=True)
class BadLine:
    """A row that does not go in, and why; the reason never quotes it. `unit` says what its number counts."""

    file: str
    number: int
    reason: str
    unit: str = "line"


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One good row. `timed` says whether it carries its own time."""

    number: int
    file: str
    generation: Generation = field(repr=False)
    timed: bool
    unit: str = "line"


def lines(
    exports: Exports, *, workspace: str | None, redact: wire.Redact | None = None
) -> Iterator[Line | BadLine | LeftOut]:
    """Read exports row by row, each text after `redact`; what is no generation is left out.

    A missing id is derived from the row's content and from how many equal rows precede it, in all files in their order:
    equal rows are kept each, and importing the same files again brings in nothing twice. Equal rows of two files that
    are imported one by one have the same id. A missing time is derived from the file's and the row's number.
    """
    seen: Counter[int] = Counter()
    for export in exports.files:
        yield from _Reading(export, exports, workspace=workspace, redact=redact, seen=seen).lines()


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a generation comes from, and what stands in for what it lacks."""

    path: Path
    number: int
    unit: str
    digest: bytes
    default_time: datetime


class _Reading:
    def __init__(
        self,
        export: Export,
        exports: Exports,
        *,
        workspace: str | None,
        redact: wire.Redact | None,
        seen: Counter[int],
    ) -> None:
        self._export = export
        self._beside = exports.beside
        self._workspace = workspace
        self._redact = redact
        self._seen = seen
        self._written_at = datetime.fromtimestamp(export.path.stat().st_mtime, UTC)

    def lines(self) -> Iterator[Line | BadLine | LeftOut]:
        with opened(self._export.path) as file:
            for row in rows(file, self._export.container):
                if isinstance(row, BadRow):
                    yield self._bad(row.number, row.reason)
                else:
                    yield from self._in(row)

    def _in(self, row: Row) -> Iterator[Line | BadLine | LeftOut]:
        """What stands in one row: its digest stands for the only generation in it, else each has its own."""
        try:
            found = list(self._export.format.read(row.document, self._beside))
        except RecursionError:
            found = [Unusable(_TOO_DEEP)]
        for part in found:
            if isinstance(part, LeftOut):
                yield part
            elif isinstance(part, Unusable):
                yield self._bad(row.number, part.reason)
            else:
                yield self._line(part, row.number, row.digest if len(found) == 1 else None)

    def _line(self, document: dict[str, Any], number: int, digest: bytes | None) -> Line | BadLine:
        try:
            place = _Place(
                path=self._export.path,
                number=number,
                unit=UNITS[self._export.container],
                digest=digest_of(document) if digest is None else digest,
                default_time=self._written_at + timedelta(microseconds=number),
            )
            if self._workspace is not None:
                document = {**document, "workspace": self._workspace}
            return _checked(document, place, self._seen, redact=self._redact)
        except ValueError as error:
            return self._bad(number, str(error))
        except RecursionError:
            return self._bad(number, _TOO_DEEP)

    def _bad(self, number: int, reason: str) -> BadLine:
        unit = UNITS[self._export.container]
        return BadLine(file=self._export.path.name, number=number, reason=reason, unit=unit)


def _checked(document: dict[str, Any], place: _Place, seen: Counter[int], *, redact: wire.Redact | None) -> Line:
    named = document.get("id") or wire.response_id(_id_of(document.get("output")))
    if not named:
        # Eight bytes of a row are all that is kept of it while files of millions are read.
        short = int.from_bytes(place.digest[:8], "big")
        seen[short] += 1
        document = {**document, "id": f"import-{place.digest.hex()[:32]}-{seen[short]}"}
    timed = document.get("created_at") is not None
    try:
        built = wire.generation(document, now=place.default_time, random_bytes=place.digest[:10], redact=redact)
    except wire.UnusableError as error:
        raise ValueError(f"{error} Or give --workspace.") from None
    if not built["turns"] and built.get("source_rate") is None:
        built |= {"source_rate": 0.0, "source_draw": 1.0}  # the export has no text: nobody can ask about it
    checked = generation.read(built, now=datetime.now(UTC), past=ANY_AGE, advice="without a time the file's counts")
    return Line(number=place.number, file=place.path.name, generation=checked, timed=timed, unit=place.unit)


def _id_of(output: Any) -> Any:
    return output.get("id") if isinstance(output, Mapping) else None
