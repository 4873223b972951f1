"""From a document to a generation of the key's workspace, or one sentence that says why not. Runs off the event loop."""

import os
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from api_hooks import wire
from console.server.arrivals import Arrivals, Checked, Unusable
from worker import generation
from worker.store.keys import Bearer

SAYING = ("messages", "turns", "output")


def check(arrivals: Arrivals, *, bearer: Bearer, now: datetime, past: timedelta) -> list[Checked]:
    """Check every document; what is missing in it, workspace and application, is the key's."""
    return [
        _check(document, on_the_wire=arrivals.on_the_wire, bearer=bearer, now=now, past=past)
        for document in arrivals.documents
    ]


def _check(document: object, *, on_the_wire: bool, bearer: Bearer, now: datetime, past: timedelta) -> Checked:
    if isinstance(document, Unusable):
        return Checked(id=None, reason=document.reason)
    if not isinstance(document, dict):
        return Checked(id=None, reason='is no object; write {"messages": […], "model": …}')
    named = document.get("workspace")
    if named is not None and named != bearer.workspace:
        reason = f"workspace: the key is for {bearer.workspace!r}; leave workspace out, or use a key of the other one"
        return Checked(id=_given_id(document), reason=reason, foreign=True)
    own = {**document, "workspace": bearer.workspace, "app": document.get("app") or bearer.application}
    try:
        built = own if on_the_wire else _built(own, now=now)
        found = generation.read(built, now=now, past=past)
    except (wire.UnusableError, generation.Unacceptable) as error:
        return Checked(id=_given_id(document), reason=str(error))
    return Checked(id=found.id, generation=found)


def _built(document: dict[str, Any], *, now: datetime) -> dict[str, Any]:
    if all(document.get(name) is None for name in SAYING):
        raise wire.UnusableError('has neither "messages" nor "turns" nor "output"')
    return wire.generation(document, now=now, random_bytes=os.urandom(10))


def _given_id(document: Mapping[str, Any]) -> str | None:
    given = document.get("id")
    return str(generation.storable(given)) if isinstance(given, str) and len(given) <= wire.ID_CHARACTERS else None
