"""What cannot be recorded is kept where an operator sees it and can replay it, and losses are counted."""

import json
from collections import Counter
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
    """Set each aside, redacted as far as it can be read, and count losses: all in one transaction, none for nothing.

    To what hooks dropped comes what the redaction has withheld since the last time.
    """
    redaction = recorder.redaction
    bodies = [_body(one.document if redaction is None else redaction.document(one.document)) for one in rejected]
    withheld = {} if redaction is None else redaction.take_losses()
    losses = Counter(dropped) + Counter(withheld)
    if not bodies and not losses:
        return
    try:
        with recorder.engine.begin() as connection:
            for one, body in zip(rejected, bodies, strict=True):
                _set_aside(connection, one, body)
            if losses:
                recording.add_losses(connection, losses, day=day)
    except BaseException:
        if redaction is not None:
            redaction.give_back(withheld)
        raise


def _set_aside(connection: Connection, rejected: Rejected, body: bytes) -> None:
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
