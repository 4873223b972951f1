"""Bringing in files of generations: surveyed first, then written to Postgres; the sweep rings for them as room comes."""

import json
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from hashlib import sha256
from pathlib import Path
from typing import Any

from api_hooks import wire
from classifier_models import prices
from taxonomies.definition import ClassifierDefinition
from worker import generation, own_calls, recording, sampling, transcript
from worker.generation import Generation
from worker.sampling import Standing
from worker.store import classifiers, partitions
from worker.store import engine as engines
from worker.store import recording as records
from worker.store.connecting import Connection, DatabaseError, Engine

LINE_BYTES = 64_000_000
BATCH = 200
ANY_AGE = timedelta(days=365 * 40)
ANSWER_TOKENS = 60  # what an answer of a few tags costs, for the estimate


@dataclass(frozen=True, slots=True, kw_only=True)
class BadLine:
    """A line that does not go in, and why; the reason never quotes it."""

    file: str
    number: int
    reason: str


@dataclass(slots=True, kw_only=True)
class Survey:
    """What the files hold, before anything is written."""

    lines: int = 0
    days: set[date] = field(default_factory=set)
    bad: list[BadLine] = field(default_factory=list)
    asked: Counter[str] = field(default_factory=Counter)  # classifications to be, by "classifier model"
    cost_usd: Decimal = Decimal(0)
    unpriced: int = 0  # classifications whose model has no known price


@dataclass(slots=True, kw_only=True)
class Imported:
    """What became of the lines: together they are as many as were not bad. `refused` are those Postgres did not take."""

    new: int = 0
    known: int = 0
    refused: list[BadLine] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One good line. `timed` says whether it carries its own time."""

    number: int
    file: str
    generation: Generation = field(repr=False)
    timed: bool


def lines(paths: Sequence[Path], *, workspace: str | None) -> Iterator[Line | BadLine]:
    """Read files line by line; a line is a generation as the hook takes it, or a plain {"messages": […]}.

    A missing id is derived from the line's content and from how many equal lines precede it, in all `paths` in their
    order: equal lines are kept each, and importing the same files again brings in nothing twice. Equal lines of two
    files that are imported one by one have the same id. A missing time is derived from the file's and the line's number.
    """
    seen: Counter[int] = Counter()
    for path in paths:
        yield from _lines_of(path, workspace=workspace, seen=seen)


def _lines_of(path: Path, *, workspace: str | None, seen: Counter[int]) -> Iterator[Line | BadLine]:
    written_at = datetime.fromtimestamp(path.stat().st_mtime, UTC)
    with path.open("rb") as file:
        number = 0
        while raw := file.readline(LINE_BYTES + 1):
            number += 1
            if not raw.strip():
                continue
            try:
                yield _line(raw, path=path, number=number, workspace=workspace, written_at=written_at, seen=seen)
            except ValueError as error:
                yield BadLine(file=path.name, number=number, reason=str(error))
                while len(raw) > LINE_BYTES and not raw.endswith(b"\n") and (raw := file.readline(LINE_BYTES + 1)):
                    pass  # the rest of a line that is too long is no line of its own


def survey(engine: Engine, paths: Sequence[Path], *, workspace: str | None, classify: bool) -> Survey:
    """Read the files once: how many lines, which days, which lines are bad, and what classifying would cost."""
    found = Survey()
    standings: dict[str, list[Standing]] = {}
    with engine.connect() as connection:
        for line in lines(paths, workspace=workspace):
            found.lines += 1
            if isinstance(line, BadLine):
                found.bad.append(line)
                continue
            found.days.add(line.generation.created_at.date())
            name = line.generation.workspace
            if classify and name not in standings:
                standings |= {name: []} | classifiers.standings(connection, [name])
            _estimate(found, line.generation, standings.get(name, []))
    return found


def bring_in(
    engine: Engine,
    paths: Sequence[Path],
    found: Survey,
    *,
    workspace: str | None,
    classify: bool,
    advanced: Callable[[int], object],
) -> Imported:
    """Write what the survey found, in batches; `advanced` is called with the lines done so far.

    A line that Postgres refuses is told, and its neighbours go in.
    """
    partitions.make(engine, found.days)
    imported = Imported()
    done = 0
    for batch in _batches(paths, workspace=workspace):
        new, refused = _write(engine, batch, classify=classify)
        imported.new += new
        imported.known += len(batch) - new - len(refused)
        imported.refused += refused
        done += len(batch)
        advanced(done)
    return imported


def _write(engine: Engine, batch: Sequence[Line], *, classify: bool) -> tuple[int, list[BadLine]]:
    """Write a batch; where Postgres refuses it, its halves, so that one line cannot keep the others out."""
    try:
        with engine.begin() as connection:
            fresh = [line.generation for line in _not_known(connection, batch)]
            new, _ = recording.write(connection, fresh, classify=classify, rings=recording.never)
        return len(new), []
    except DatabaseError as error:
        if engines.is_outage(error):
            raise
        if len(batch) == 1:
            reason = f"Postgres refused it: {type(error.orig).__name__}"
            return 0, [BadLine(file=batch[0].file, number=batch[0].number, reason=reason)]
    middle = len(batch) // 2
    (first, refused), (second, also) = (
        _write(engine, half, classify=classify) for half in (batch[:middle], batch[middle:])
    )
    return first + second, refused + also


def _line(
    raw: bytes, *, path: Path, number: int, workspace: str | None, written_at: datetime, seen: Counter[int]
) -> Line:
    if len(raw) > LINE_BYTES:
        raise ValueError(f"is longer than {LINE_BYTES:,} bytes; split it")
    document = _document(raw)
    if workspace is not None:
        document = {**document, "workspace": workspace}
    digest = sha256(raw.strip()).digest()
    if not document.get("id"):
        # Eight bytes of a line are all that is kept of it while files of millions are read.
        short = int.from_bytes(digest[:8], "big")
        seen[short] += 1
        document = {**document, "id": f"import-{digest.hex()[:32]}-{seen[short]}"}
    timed = document.get("created_at") is not None
    default_time = written_at + timedelta(microseconds=number)
    try:
        built = wire.generation(document, now=default_time, random_bytes=digest[:10])
    except wire.UnusableError as error:
        raise ValueError(f"{error} Or give --workspace.") from None
    checked = generation.read(built, now=datetime.now(UTC), past=ANY_AGE, advice="without a time the file's counts")
    return Line(number=number, file=path.name, generation=checked, timed=timed)


def _document(raw: bytes) -> dict[str, Any]:
    try:
        document = json.loads(raw)
    except (ValueError, RecursionError):
        raise ValueError("is not JSON; one generation per line, as JSON") from None
    if not isinstance(document, dict):
        raise ValueError('is JSON but no object; write {"messages": […]}')
    if not any(document.get(name) for name in ("messages", "turns", "output")):
        raise ValueError('has neither "messages" nor "turns" nor "output"')
    return document


def _batches(paths: Sequence[Path], *, workspace: str | None) -> Iterator[list[Line]]:
    batch: list[Line] = []
    for line in lines(paths, workspace=workspace):
        if isinstance(line, BadLine):
            continue  # told by the survey
        batch.append(line)
        if len(batch) >= BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


def _not_known(connection: Connection, batch: Sequence[Line]) -> list[Line]:
    """Leave out lines without a time of their own that are here already: the file's time may have changed since."""
    untimed: dict[str, list[str]] = {}
    for line in batch:
        if not line.timed:
            untimed.setdefault(line.generation.workspace, []).append(line.generation.id)
    known = {
        (workspace, id_)
        for workspace, ids in untimed.items()
        for id_ in records.known_at_any_time(connection, workspace, ids)
    }
    return [line for line in batch if line.timed or (line.generation.workspace, line.generation.id) not in known]


def _estimate(found: Survey, one: Generation, standings: Sequence[Standing]) -> None:
    own_call = own_calls.is_own_call(one)
    for standing, placed in zip(standings, sampling.place(one, standings, own_call=own_call), strict=False):
        definition = standing.definition
        if placed.reason is not None or definition is None:
            continue
        found.asked[definition.model] += 1
        characters = sum(min(len(text), transcript.TURN_CHARACTERS) for _, text, _, _ in one.turns)
        cost = _price(definition, (characters + _prompt_characters(definition)) // transcript.CHARACTERS_PER_TOKEN)
        if cost is None:
            found.unpriced += 1
        else:
            found.cost_usd += cost


def _price(definition: ClassifierDefinition, prompt_tokens: int) -> Decimal | None:
    if definition.endpoint == "local":
        return Decimal(0)
    return prices.estimate(
        definition.model,
        definition.endpoint,
        prompt_tokens=prompt_tokens,
        completion_tokens=ANSWER_TOKENS,
        cached_tokens=0,
        cache_write_tokens=0,
    )


def _prompt_characters(definition: ClassifierDefinition) -> int:
    return len(definition.prompt) + 2 * len(definition.taxonomy.model_dump_json())
