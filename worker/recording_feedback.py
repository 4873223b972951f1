"""Feedback of a batch: checked, and written once each; nobody is rung for it."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from worker import days, feedback, generation
from worker.feedback import Feedback
from worker.recorder import Recorder
from worker.redacting import Redaction
from worker.setting_aside import Rejected
from worker.store import feedback as store
from worker.store import spans
from worker.store.connecting import DatabaseError
from worker.store.recording import Key

AT_ONCE = 64


def check(
    documents: Sequence[object], *, now: datetime, past: timedelta, redaction: Redaction | None = None
) -> tuple[list[Feedback], list[Rejected]]:
    """Part what can be recorded, with its comment redacted, from what cannot."""
    accepted: list[Feedback] = []
    rejected: list[Rejected] = []
    for document in documents:
        try:
            found = feedback.read(document, now=now, past=past)
            accepted.append(found if redaction is None else redaction.feedback(found))
        except generation.Unacceptable as error:
            rejected.append(refusal(document, str(error)))
    return accepted, rejected


def refusal(document: object, error: str) -> Rejected:
    """What is set aside for one feedback: a batch of its own, so that it can be replayed."""
    workspace = document.get("workspace") if isinstance(document, dict) else None
    alone = {"v": 1, "generations": [], "feedback": [document]}
    return Rejected(document=alone, workspace=workspace if isinstance(workspace, str) else None, error=error)


def record(recorder: Recorder, accepted: Sequence[Feedback]) -> tuple[set[Key], Mapping[int, Rejected]]:
    """Write what is new, once each; return its keys, and those that Postgres refuses by their places, each alone."""
    new: set[Key] = set()
    refused: dict[int, Rejected] = {}
    batches = [range(start, min(start + AT_ONCE, len(accepted))) for start in range(0, len(accepted), AT_ONCE)]
    waiting = [part for batch in batches for part in spans.grouped(batch, lambda place: accepted[place].created_at)]
    while waiting:
        places = waiting.pop(0)
        some = [accepted[place] for place in places]
        try:
            new |= recorder.patience.outlast(lambda some=some: _write(recorder, some))  # type: ignore[misc]
        except DatabaseError as error:
            if len(places) > 1:
                half = len(places) // 2
                waiting[:0] = [places[:half], places[half:]]
            else:
                reason = f"Postgres refused it: {type(error.orig).__name__}"
                refused[places[0]] = refusal(some[0].model_dump(mode="json"), reason)
    return new, refused


def _write(recorder: Recorder, some: Sequence[Feedback]) -> set[Key]:
    wanted = {one.created_at.date() for one in some}
    return days.with_days(recorder, wanted, lambda connection: store.write(connection, some))
