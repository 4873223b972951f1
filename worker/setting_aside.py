"""What cannot be recorded is kept where an operator sees it and can replay it, and losses are counted."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from worker.recorder import Recorder
from worker.store import recording, set_aside
from worker.store.connecting import Connection
from worker.store.recording import Key


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejected:
    """A generation that cannot be recorded as it is, with the sentence that says why; `key` when it could be read."""

    document: object = field(repr=False)
    workspace: str | None
    error: str
    key: Key | None = None


def set_all_aside(recorder: Recorder, rejected: Sequence[Rejected], dropped: Mapping[str, int], *, day: date) -> None:
    """Set each aside, and count what hooks dropped: all in one transaction."""
    with recorder.engine.begin() as connection:
        for one in rejected:
            _set_aside(connection, one)
        if dropped:
            recording.add_losses(connection, dropped, day=day)


def _set_aside(connection: Connection, rejected: Rejected) -> None:
    body = _body(rejected.document)
    set_aside.add(
        connection,
        source="recording",
        queue="record",
        workspace=rejected.workspace,
        error=rejected.error,
        body=body,
        size_bytes=len(body),
    )


def _body(document: object) -> bytes:
    """The document as JSON, as short as it goes: what is kept whole can be replayed."""
    try:
        return json.dumps(document, ensure_ascii=False, separators=(",", ":"), default=str).encode()
    except UnicodeEncodeError:  # a lone surrogate, which an escape can carry
        return json.dumps(document, separators=(",", ":"), default=str).encode()
