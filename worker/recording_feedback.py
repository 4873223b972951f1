"""Feedback of a batch: checked, and written once each; nobody is rung for it."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from worker import days, feedback, generation
from worker.feedback import Feedback
from worker.recorder import Recorder
from worker.redacting import Redaction
from worker.setting_aside import Rejected
from worker.store import feedback as store
from worker.store import spans
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


def record(recorder: Recorder, accepted: Sequence[Feedback]) -> set[Key]:
    """Write what is new, and return its keys; what was delivered before changes nothing."""
    new: set[Key] = set()
    for start in range(0, len(accepted), AT_ONCE):
        for some in spans.grouped(accepted[start : start + AT_ONCE], lambda one: one.created_at):
            new |= recorder.patience.outlast(lambda some=some: _write(recorder, some))  # type: ignore[misc]
    return new


def _write(recorder: Recorder, some: Sequence[Feedback]) -> set[Key]:
    wanted = {one.created_at.date() for one in some}
    return days.with_days(recorder, wanted, lambda connection: store.write(connection, some))
