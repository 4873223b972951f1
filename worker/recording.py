"""From a batch that came in to rows that stay: check, sample, write, ring. Classifying is next."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import structlog

from worker import batches, days, errors, generation, own_calls, pricing, recording_feedback, sampling
from worker.generation import Generation
from worker.outage import Stopping
from worker.reasons import Reason
from worker.recorder import Recorder
from worker.redacting import Redaction
from worker.setting_aside import Rejected, set_all_aside
from worker.store import classifiers, completing, estimating, installation, late_text, recording, spans
from worker.store.connecting import Connection, DatabaseError
from worker.store.known import Known, already_recorded
from worker.store.recording import Key, Row

IDS_PER_BELL = 32
AT_ONCE = 64
"""Generations in one transaction: each given id is one of the some 6,400 locks that a Postgres holds by default.

Three workers of 16 threads stay below it, their tables' locks included; what is over is tried again, then in halves.
"""

log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """What a batch came to: the new generations by key, how many were known before, and what was set aside."""

    new: set[Key]
    known: int
    rejected: Sequence[Rejected]


def record(recorder: Recorder, batch: object, *, now: datetime | None = None) -> Recorded:
    """Record a batch from the wire, then ring for what is to be classified.

    Its feedback is recorded after its generations. A batch may be empty but for the losses it reports; delivered twice,
    they are counted twice: they are no generations.
    Returns after the commit; while Postgres is away it waits. Raise outage.Stopping when the worker ends first, and
    InvalidRequestError when `batch` is no batch of version 1.
    """
    now = now or datetime.now(UTC)
    sent = batches.read(batch)
    accepted, rejected = check(sent.generations, now=now, past=recorder.past, redaction=recorder.redaction)
    new: set[Key] = set()
    refused: list[Rejected] = []
    for start in range(0, len(accepted), AT_ONCE):
        written, unwritable = record_each(recorder, accepted[start : start + AT_ONCE])
        new |= written
        refused += unwritable
    feedback, unusable = recording_feedback.check(
        sent.feedback, now=now, past=recorder.past, redaction=recorder.redaction
    )
    _, unrecorded = recording_feedback.record(recorder, feedback)
    rejected += refused
    aside = [*rejected, *unusable, *unrecorded.values()]
    recorder.patience.outlast(lambda: set_all_aside(recorder, aside, sent.dropped, day=now.date()), without_end=True)
    recorder.metrics.count_recorded(len(new), set_aside=len(rejected))
    return Recorded(new=new, known=len(accepted) - len(new) - len(refused), rejected=rejected)


def record_or_set_aside(recorder: Recorder, batch: object, *, now: datetime | None = None) -> None:
    """Record a batch, or keep all of it for the operator: nothing but outage.Stopping comes out of here.

    An exception would acknowledge the message and lose the batch.
    """
    now = now or datetime.now(UTC)
    try:
        record(recorder, batch, now=now)
    except Stopping:
        raise
    except Exception as error:  # noqa: BLE001 - see above
        kind = type(error).__name__  # its message may quote what Postgres refused: text of a generation
        known = isinstance(error, errors.InvalidRequestError)
        problem = str(error) if known else f"Recording it failed with {kind}; replay it when that is mended."
        log.error("a batch could not be recorded and is set aside", error=kind)
        rejected = Rejected(document=batch, workspace=None, error=problem)
        recorder.patience.outlast(lambda: set_all_aside(recorder, [rejected], {}, day=now.date()), without_end=True)


def check(
    documents: Sequence[object], *, now: datetime, past: timedelta, redaction: Redaction | None = None
) -> tuple[list[Generation], list[Rejected]]:
    """Part what can be recorded, with its text redacted, from what cannot."""
    accepted: list[Generation] = []
    rejected: list[Rejected] = []
    for document in documents:
        try:
            found = generation.read(document, now=now, past=past)
            accepted.append(found if redaction is None else redaction.generation(found))
        except generation.Unacceptable as error:
            workspace = document.get("workspace") if isinstance(document, dict) else None
            named = workspace if isinstance(workspace, str) else None
            rejected.append(Rejected(document=document, workspace=named, error=str(error)))
    return accepted, rejected


def always(endpoint: str) -> bool:
    """Ring for every endpoint."""
    return True


def never(endpoint: str) -> bool:
    """Ring for none: the sweep does, as room comes."""
    return False


def plan(
    connection: Connection,
    accepted: Sequence[Generation],
    *,
    classify: bool = True,
    estimates: bool = True,
    rings: Callable[[str], bool] = always,
) -> list[Row]:
    """Say for each generation which classifiers ask about it (none without `classify`), and who is rung for.

    With `estimates` also what it cost where that is not reported.
    """
    workspaces = {one.workspace for one in accepted}
    keep_text_days = recording.ensure_workspaces(connection, workspaces)
    standings = classifiers.standings(connection, workspaces) if classify else {}
    marks = [own_calls.mark_of(one) for one in accepted]
    ours = installation.own_call_mark(connection) if any(marks) else ""
    rows = []
    for one, mark in zip(accepted, marks, strict=True):
        unasked = own_calls.reason_of(mark, ours=ours)
        own_call = unasked is Reason.OWN_CALL
        placed = sampling.place(one, standings.get(one.workspace, []), unasked=unasked)
        asked = {each.endpoint for each in placed if each.reason is None}
        rows.append(
            Row(
                generation=one,
                placed=placed,
                own_call=own_call,
                text_kept=bool(asked)
                or (keep_text_days[one.workspace] > 0 and not own_call and one.source_rate is None),
                rung_for=frozenset(filter(rings, asked)),
                estimated_usd=pricing.estimated_usd(one) if estimates and not own_call else None,
            )
        )
    return rows


def write(
    connection: Connection,
    accepted: Sequence[Generation],
    *,
    classify: bool = True,
    estimates: bool = True,
    rings: Callable[[str], bool] = always,
) -> tuple[set[Key], list[Row]]:
    """Write what was not recorded before, complete what was; return the new keys, and the rows that are asked about now.

    After its commit the caller rings for those, at the endpoints for which `rings`; at the others the sweep does, as
    room comes.
    """
    distinct, again = _first_of_each(accepted)
    rows = plan(connection, distinct, classify=classify, estimates=estimates, rings=rings)
    recording.lock_given_ids(connection, rows)
    known = already_recorded(connection, rows)
    new = recording.insert(connection, [row for row in rows if row.key not in known])
    reported_again = [row for row in rows if row.key in known]
    if again:  # within this batch
        rows_again = plan(connection, again, classify=classify, estimates=False, rings=rings)
        known |= already_recorded(connection, rows_again)
        reported_again += rows_again
    heard = _heard(reported_again, known)
    late_text.take_up(connection, heard)
    completed = completing.fill_blanks(connection, [row.generation for row in reported_again])
    if estimates:
        estimating.write(connection, {one.key: pricing.usd_of_completed(one) for one in completed})
    return new, [row for row in rows if row.key in new] + heard


def _heard(reported_again: Sequence[Row], known: Mapping[Key, Known]) -> list[Row]:
    """Of later reports those that bring the text that no report before had, with the keys of their records."""
    heard: dict[Key, Row] = {}
    for row in reported_again:
        found, one = known.get(row.key), row.generation
        if found is not None and found.lacks_text and one.turns and one.source_rate is None and not row.own_call:
            recorded = replace(row, generation=one.model_copy(update={"created_at": found.created_at}))
            heard.setdefault(recorded.key, recorded)
    return list(heard.values())


def record_each(recorder: Recorder, accepted: Sequence[Generation]) -> tuple[set[Key], list[Rejected]]:
    """Write a batch, and ring for it; where Postgres refuses it, its halves, so that one generation cannot lose the others.

    What belongs to far days is written apart: one transaction would lock all days between them.
    """
    parts = [_record_part(recorder, part) for part in spans.grouped(accepted, lambda one: one.created_at)]
    return set().union(*(new for new, _ in parts)), [one for _, refused in parts for one in refused]


def _record_part(recorder: Recorder, accepted: Sequence[Generation]) -> tuple[set[Key], list[Rejected]]:
    try:
        new, asked = recorder.patience.outlast(lambda: _write(recorder, accepted))
    except DatabaseError as error:
        if len(accepted) == 1:
            return set(), [_refused(accepted[0], error)]
        middle = len(accepted) // 2
        (first, refused), (second, also) = (
            _record_part(recorder, half) for half in (accepted[:middle], accepted[middle:])
        )
        return first | second, refused + also
    recorder.metrics.count_placed(placed.reason for row in asked for placed in row.placed)
    for endpoint, keys in bells_for(asked).items():
        recorder.ring(endpoint, keys)
    return new, []


def _refused(one: Generation, error: DatabaseError) -> Rejected:
    return Rejected(
        document=one.model_dump(mode="json"),
        workspace=one.workspace,
        error=f"Postgres refused it: {type(error.orig).__name__}",
        key=(one.workspace, one.id, one.created_at),
    )


def _write(recorder: Recorder, accepted: Sequence[Generation]) -> tuple[set[Key], list[Row]]:
    wanted = {one.created_at.date() for one in accepted}
    return days.with_days(
        recorder,
        wanted,
        lambda connection: write(connection, accepted, estimates=recorder.estimates, rings=recorder.has_room),
    )


def bells_for(rows: Sequence[Row]) -> dict[str, list[Key]]:
    """Whom to ring for, by endpoint."""
    bells: dict[str, list[Key]] = {}
    for row in rows:
        for endpoint in sorted(row.rung_for):
            bells.setdefault(endpoint, []).append(row.key)
    return bells


def _first_of_each(accepted: Sequence[Generation]) -> tuple[list[Generation], list[Generation]]:
    """Tell the first of each from its repetitions within the batch."""
    times: dict[tuple[str, str], list[datetime]] = {}
    distinct, again = [], []
    for one in accepted:
        seen = times.setdefault((one.workspace, one.id), [])
        within = recording.SAME_ID_WITHIN if one.id_given else timedelta(0)
        if any(abs(one.created_at - other) <= within for other in seen):
            again.append(one)
            continue
        seen.append(one.created_at)
        distinct.append(one)
    return distinct, again
