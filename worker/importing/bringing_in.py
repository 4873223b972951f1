"""Writing what a survey found to Postgres, in batches; the sweep rings for it as room comes."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from api_hooks import wire
from worker import recording
from worker.importing.lines import BadLine, Line, lines
from worker.importing.recognising import Exports
from worker.importing.surveying import Survey
from worker.redacting import Redaction
from worker.store import engine as engines
from worker.store import known as known_rows
from worker.store import partitions, spans
from worker.store import recording as records
from worker.store.connecting import DatabaseError, Engine

BATCH = 200


@dataclass(slots=True, kw_only=True)
class Imported:
    """What became of the generations: together they are as many as there were. `refused` are those Postgres did not take."""

    new: int = 0
    known: int = 0
    refused: list[BadLine] = field(default_factory=list)


def bring_in(
    engine: Engine,
    exports: Exports,
    found: Survey,
    *,
    workspace: str | None,
    classify: bool,
    advanced: Callable[[int], object],
    redaction: Redaction | None = None,
    estimates: bool = True,
) -> Imported:
    """Write what the survey found, in batches, each text after `redaction`, with `estimates` of costs that are not stated.

    `advanced` is called with the generations done so far. A line that Postgres refuses is told, and its neighbours go in.
    """
    partitions.make(engine, found.days)
    imported = Imported()
    done = 0
    redact = None if redaction is None else redaction.shown
    for batch in _batches(exports, workspace=workspace, redact=redact):
        new, refused = _write(engine, batch, classify=classify, estimates=estimates)
        _count_withheld(engine, redaction)
        imported.new += new
        imported.known += len(batch) - new - len(refused)
        imported.refused += refused
        done += len(batch)
        advanced(done)
    return imported


def _count_withheld(engine: Engine, redaction: Redaction | None) -> None:
    if redaction is not None and redaction.has_losses:
        with engine.begin() as connection:
            records.add_losses(connection, redaction.take_losses(), day=datetime.now(UTC).date())


def _batches(exports: Exports, *, workspace: str | None, redact: wire.Redact | None) -> Iterator[Sequence[Line]]:
    batch: list[Line] = []
    for line in lines(exports, workspace=workspace, redact=redact):
        if not isinstance(line, Line):
            continue  # told by the survey
        batch.append(line)
        if len(batch) >= BATCH:
            yield from _in_spans(batch)
            batch = []
    if batch:
        yield from _in_spans(batch)


def _in_spans(batch: Sequence[Line]) -> Iterator[Sequence[Line]]:
    """What belongs to far days is written apart: one transaction would lock all days between them."""
    return spans.grouped(batch, lambda line: line.generation.created_at)


def _write(engine: Engine, batch: Sequence[Line], *, classify: bool, estimates: bool) -> tuple[int, list[BadLine]]:
    """Write a batch; where Postgres refuses it, its halves, so that one line cannot keep the others out."""
    fresh = [line.generation for line in _not_known(engine, batch)]
    try:
        with engine.begin() as connection:
            new, _ = recording.write(connection, fresh, classify=classify, estimates=estimates, rings=recording.never)
        return len(new), []
    except DatabaseError as error:
        if engines.is_outage(error):
            raise
        if len(batch) == 1:
            reason = f"Postgres refused it: {type(error.orig).__name__}"
            return 0, [BadLine(file=batch[0].file, number=batch[0].number, reason=reason, unit=batch[0].unit)]
    middle = len(batch) // 2
    (first, refused), (second, also) = (
        _write(engine, half, classify=classify, estimates=estimates) for half in (batch[:middle], batch[middle:])
    )
    return first + second, refused + also


def _not_known(engine: Engine, batch: Sequence[Line]) -> list[Line]:
    """Leave out lines without a time of their own that are here already: the file's time may have changed since."""
    untimed: dict[str, list[str]] = {}
    for line in batch:
        if not line.timed:
            untimed.setdefault(line.generation.workspace, []).append(line.generation.id)
    if not untimed:
        return list(batch)
    with engines.reading(engine) as connection:
        found = {
            (workspace, id_)
            for workspace, ids in untimed.items()
            for id_ in known_rows.known_at_any_time(connection, workspace, ids)
        }
    return [line for line in batch if line.timed or (line.generation.workspace, line.generation.id) not in found]
