"""Make the batches that are sent: each snapshot becomes a generation of the wire, or feedback, and JSON; sending is next."""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

from api_hooks import forking, wire
from api_hooks.building import Builder

ENTRIES_AT_MOST = 500

_encode = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode

# The application's threads wait for the interpreter while this one computes: every millisecond it steps aside.
_WORK_SECONDS = 0.001
_REST_SECONDS = 0.0001


class Snapshots(Protocol):
    """Where snapshots come from, oldest first; None when there is none.

    A generation is (time, messages, output, the other arguments), feedback (time, arguments).
    """

    def take(self) -> Any: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """A batch as it goes out. `entries` counts the generations and feedback in it, `dropped` are the losses it tells."""

    body: bytes = field(repr=False)
    entries: int
    dropped: dict[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Entry:
    kind: str
    encoded: bytes


class Batches:
    """Turns snapshots into batches of at most `wire.BATCH_BYTES`, larger only for a generation that is by itself."""

    def __init__(self, *, snapshots: Snapshots, builder: Builder, on_loss: Callable[[str], None]) -> None:
        self._snapshots = snapshots
        self._builder = builder
        self._on_loss = on_loss
        self._carried: _Entry | None = None
        self._worked_since = 0.0

    def has_carried(self) -> bool:
        """Whether an entry that did not fit the last batch waits for the next."""
        return self._carried is not None

    def next(self, *, most_snapshots: int, take_dropped: Callable[[], dict[str, int]]) -> Batch | None:
        """Take up to `most_snapshots` and return a batch of them, or None when nothing could be made of them."""
        self._worked_since = time.perf_counter()
        entries: list[_Entry] = []
        size = 0
        if self._carried is not None:
            entries, size, self._carried = [self._carried], len(self._carried.encoded), None
        for _ in range(min(most_snapshots, ENTRIES_AT_MOST - len(entries))):
            snapshot = self._snapshots.take()
            if snapshot is None:
                break
            with forking.work:
                entry = self._made(snapshot)
            if entry is None:
                continue
            if entries and size + len(entry.encoded) > wire.BATCH_BYTES:
                self._carried = entry
                break
            entries.append(entry)
            size += len(entry.encoded)
            self._step_aside()
        if not entries:
            return None
        dropped = take_dropped()
        return Batch(body=_body(entries, dropped), entries=len(entries), dropped=dropped)

    def _made(self, snapshot: Any) -> _Entry | None:
        try:
            if len(snapshot) == 2:
                return _Entry(kind="feedback", encoded=_encode(self._builder.feedback(*snapshot)).encode())
            generation = self._builder.generation(*snapshot)
            if generation is None:
                self._on_loss("no_generation")
                return None
            return _Entry(kind="generations", encoded=_encode(generation).encode())
        except BaseException:  # noqa: BLE001 - whatever the application's objects raise, the next generation is sent
            self._on_loss("bad_input")
            return None

    def _step_aside(self) -> None:
        if time.perf_counter() - self._worked_since > _WORK_SECONDS:
            time.sleep(_REST_SECONDS)
            self._worked_since = time.perf_counter()


def of_losses(dropped: dict[str, int]) -> Batch:
    """Return a batch without generations, for losses that would else go untold."""
    return Batch(body=_body([], dropped), entries=0, dropped=dropped)


def _body(entries: list[_Entry], dropped: dict[str, int]) -> bytes:
    generations = [entry.encoded for entry in entries if entry.kind == "generations"]
    feedback = [entry.encoded for entry in entries if entry.kind == "feedback"]
    parts = [b'{"v":%d,"generations":[' % wire.VERSION, b",".join(generations), b"]"]
    if feedback:
        parts += [b',"feedback":[', b",".join(feedback), b"]"]
    if dropped:
        parts += [b',"dropped":', _encode(dropped).encode()]
    return b"".join((*parts, b"}"))
