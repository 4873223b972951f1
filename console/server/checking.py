"""From what came to generations and feedback of the key's workspace, or one sentence that says why not. Takes CPU time."""

import os
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from io import BytesIO
from typing import Any

from api_hooks import wire
from console.server.arrivals import Arrivals, Checked, Kind, Unusable
from worker import feedback, generation
from worker.feedback import Feedback
from worker.generation import Generation
from worker.redacting import Redaction
from worker.store.keys import Bearer

Document = dict[str, Any]
SAYING = ("messages", "turns", "output")


def check(
    arrivals: Arrivals, *, bearer: Bearer, now: datetime, past: timedelta, redaction: Redaction | None = None
) -> list[Checked]:
    """Check every document, then every feedback; what is missing, workspace and application, is the key's.

    What can be recorded comes back redacted; what cannot is redacted when it is set aside.
    """

    randomness = BytesIO(os.urandom(10 * (len(arrivals.documents) + len(arrivals.feedback))))
    redact = None if redaction is None else redaction.shown
    late = redaction if arrivals.on_the_wire else None  # what is built here is redacted while it is

    def build_generation(document: Document) -> Document:
        own = {**document, "app": document.get("app") or bearer.application}
        return own if arrivals.on_the_wire else _built(own, now=now, random_bytes=randomness.read(10), redact=redact)

    def build_feedback(document: Document) -> Document:
        if arrivals.on_the_wire:
            return document
        return wire.feedback(document, now=now, random_bytes=randomness.read(10), redact=redact)

    def read_generation(built: Document) -> Generation:
        is_storable = redact is None and not arrivals.on_the_wire
        found = generation.read(built, now=now, past=past, is_storable=is_storable)
        return found if late is None else late.generation(found)

    def read_feedback(built: Document) -> Feedback:
        found = feedback.read(built, now=now, past=past)
        return found if late is None else late.feedback(found)

    return [
        *(_check(one, build_generation, read_generation, "generation", bearer) for one in arrivals.documents),
        *(_check(one, build_feedback, read_feedback, "feedback", bearer) for one in arrivals.feedback),
    ]


def _check(
    given: object,
    build: Callable[[Document], Document],
    read: Callable[[Document], Generation | Feedback],
    kind: Kind,
    bearer: Bearer,
) -> Checked:
    if isinstance(given, Unusable):
        kept = {"given": given.given, "workspace": bearer.workspace}
        return Checked(kind=kind, given=kept, id=None, reason=given.reason)
    if not isinstance(given, dict):
        return Checked(kind=kind, given=given, id=None, reason="it is no JSON object; /docs shows what one looks like")
    named = given.get("workspace")
    if named is not None and named != bearer.workspace:
        reason = f"workspace: the key is for {bearer.workspace!r}; leave workspace out, or use a key of the other one"
        return Checked(kind=kind, given=given, id=_given_id(given), reason=reason, foreign=True)
    own = {**given, "workspace": bearer.workspace}
    try:
        own = build(own)  # what is set aside is as it goes over the wire: only that can be replayed
        found = read(own)
    except (wire.UnusableError, generation.Unacceptable) as error:
        return Checked(kind=kind, given=own, id=_given_id(given), reason=str(error))
    return Checked(kind=kind, given=own, id=found.id, found=found)


def _built(document: Document, *, now: datetime, random_bytes: bytes, redact: wire.Redact | None) -> Document:
    if all(document.get(name) is None for name in SAYING):
        raise wire.UnusableError('it has neither "messages" nor "turns" nor "output"')
    return wire.generation(document, now=now, random_bytes=random_bytes, redact=redact)


def _given_id(document: Mapping[str, Any]) -> str | None:
    given = document.get("id")
    return str(generation.storable(given)) if isinstance(given, str) and len(given) <= wire.ID_CHARACTERS else None
