"""From what came to generations and feedback of the key's workspace, or one sentence that says why not. Takes CPU time."""

import os
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from api_hooks import wire
from console.server.arrivals import Arrivals, Checked, Kind, Unusable
from worker import feedback, generation
from worker.feedback import Feedback
from worker.generation import Generation
from worker.redacting import Redaction
from worker.store.keys import Bearer

SAYING = ("messages", "turns", "output")


def check(
    arrivals: Arrivals, *, bearer: Bearer, now: datetime, past: timedelta, redaction: Redaction | None = None
) -> list[Checked]:
    """Check every document, then every feedback; what is missing, workspace and application, is the key's.

    What can be recorded comes back redacted; what cannot is redacted when it is set aside.
    """

    redact = None if redaction is None else redaction.shown

    def to_generation(document: dict[str, Any]) -> Generation:
        own = {**document, "app": document.get("app") or bearer.application}
        if not arrivals.on_the_wire:
            return generation.read(_built(own, now=now, redact=redact), now=now, past=past)
        found = generation.read(own, now=now, past=past)
        return found if redaction is None else redaction.generation(found)

    def to_feedback(document: dict[str, Any]) -> Feedback:
        if not arrivals.on_the_wire:
            made = wire.feedback(document, now=now, random_bytes=os.urandom(10), redact=redact)
            return feedback.read(made, now=now, past=past)
        found = feedback.read(document, now=now, past=past)
        return found if redaction is None else redaction.feedback(found)

    return [
        *(_check(one, to_generation, kind="generation", bearer=bearer) for one in arrivals.documents),
        *(_check(one, to_feedback, kind="feedback", bearer=bearer) for one in arrivals.feedback),
    ]


def _check(
    given: object, read: Callable[[dict[str, Any]], Generation | Feedback], *, kind: Kind, bearer: Bearer
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
        found = read(own)
    except (wire.UnusableError, generation.Unacceptable) as error:
        return Checked(kind=kind, given=own, id=_given_id(given), reason=str(error))
    return Checked(kind=kind, given=own, id=found.id, found=found)


def _built(document: dict[str, Any], *, now: datetime, redact: wire.Redact | None) -> dict[str, Any]:
    if all(document.get(name) is None for name in SAYING):
        raise wire.UnusableError('it has neither "messages" nor "turns" nor "output"')
    return wire.generation(document, now=now, random_bytes=os.urandom(10), redact=redact)


def _given_id(document: Mapping[str, Any]) -> str | None:
    given = document.get("id")
    return str(generation.storable(given)) if isinstance(given, str) and len(given) <= wire.ID_CHARACTERS else None
