"""Make the batches that are sent: each snapshot becomes a generation of the wire, or feedback, and JSON; sending is next."""

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from api_hooks import wire
from api_hooks.building import Builder

ENTRIES_AT_MOST = 500

_encode = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode

# The application's threads wait for the interpreter while this one computes: every millisecond it steps aside.
_WORK_SECONDS = 0.001
_REST_SECONDS = 0.0001


class Snapshots(Protocol):
    """Where snapshots come from, oldest first; None when there is none.

    A generation is (time, messages, output, the other arguments) or (time, Read, attribution), feedback (time, arguments).
    """

    def take(self) -> Any: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """A batch as it goes out. `entries` counts the generations and feedback in it, `dropped` are the losses it tells."""

    body: bytes = field(repr=False)
    parts: tuple["Entry", ...] = field(repr=False)
    dropped: dict[str, int]

    @classmethod
    def of(cls, parts: Sequence["Entry"], dropped: dict[str, int]) -> "Batch":
        return cls(body=_body(parts, dropped), parts=tuple(parts), dropped=dropped)

    @property
    def entries(self) -> int:
        return len(self.parts)


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A generation or feedback, as JSON."""

    kind: str
    encoded: bytes = field(repr=False)


class Batches:
    """Turns snapshots into batches of at most `wire.BATCH_BYTES`, larger only for a generation that is by itself."""

    def __init__(self, *, snapshots: Snapshots, builder: Builder, on_loss: Callable[[str], None]) -> None:
        self._snapshots = snapshots
        self._builder = builder
        self._on_loss = on_loss
        self._carried: Entry | None = None
        self._halves: list[Batch] = []
        self._worked_since = 0.0

    @property
    def carried(self) -> int:
        """How many entries wait for the next batches that did not fit the last one, or that the server did not take at once."""
        return int(self._carried is not None) + sum(half.entries for half in self._halves)

    def halved(self, batch: Batch) -> Batch:
        """Return the first half of a batch of two or more, which tells its losses; `next` returns the other."""
        middle = batch.entries // 2
        self._halves.append(Batch.of(batch.parts[middle:], {}))
        return Batch.of(batch.parts[:middle], batch.dropped)

    def next(self, *, most_snapshots: int, take_dropped: Callable[[], dict[str, int]]) -> Batch | None:
        """Take up to `most_snapshots` and return a batch of them, or None when nothing could be made of them."""
        if self._halves:
            return self._halves.pop()
        self._worked_since = time.perf_counter()
        entries: list[Entry] = []
        size = 0
        if self._carried is not None:
            entries, size, self._carried = [self._carried], len(self._carried.encoded), None
        for _ in range(min(most_snapshots, ENTRIES_AT_MOST - len(entries))):
            snapshot = self._snapshots.take()
            if snapshot is None:
                break
            # No fork waits for it: it runs the application's code, which may take its time.
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
        return Batch.of(entries, take_dropped())

    def _made(self, snapshot: Any) -> Entry | None:
        try:
            match snapshot:
                case (unix_ns, given):
                    return Entry(kind="feedback", encoded=_encode(self._builder.feedback(unix_ns, given)).encode())
                case (unix_ns, read, attributed):
                    generation = self._builder.unread(unix_ns, read, attributed)
                    if generation is None:
                        self._on_loss("no_generation")
                        return None
                case _:
                    generation = self._builder.generation(*snapshot)
            return Entry(kind="generations", encoded=_encode(generation).encode())
        except BaseException:  # noqa: BLE001 - whatever the application's objects raise, the next generation is sent
            self._on_loss("bad_input")
            return None

    def _step_aside(self) -> None:
        if time.perf_counter() - self._worked_since > _WORK_SECONDS:
            time.sleep(_REST_SECONDS)
            self._worked_since = time.perf_counter()


def of_losses(dropped: dict[str, int]) -> Batch:
    """Return a batch without generations, for losses that would else go untold."""
    return Batch.of((), dropped)


def _body(entries: Sequence[Entry], dropped: dict[str, int]) -> bytes:
    generations = [entry.encoded for entry in entries if entry.kind == "generations"]
    feedback = [entry.encoded for entry in entries if entry.kind == "feedback"]
    parts = [b'{"v":%d,"generations":[' % wire.VERSION, b",".join(generations), b"]"]
    if feedback:
        parts += [b',"feedback":[', b",".join(feedback), b"]"]
    if dropped:
        parts += [b',"dropped":', _encode(dropped).encode()]
    return b"".join((*parts, b"}"))
