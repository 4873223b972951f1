"""Make the batches that are sent: each snapshot becomes a generation of the wire, and JSON; sending is next."""

import json
import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Protocol

from api_hooks import wire
from api_hooks.unread import Unread

GENERATIONS_AT_MOST = 500

_encode = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode

# The application's threads wait for the interpreter while this one computes: every millisecond it steps aside.
_WORK_SECONDS = 0.001
_REST_SECONDS = 0.0001


class Snapshots(Protocol):
    """Where snapshots come from, oldest first; None when there is none."""

    def take(self) -> Any: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """A batch as it goes out. `generations` counts what is in it, `dropped` the losses that go along."""

    body: bytes = field(repr=False)
    generations: int
    dropped: dict[str, int]


class Batches:
    """Turns snapshots into batches of at most `wire.BATCH_BYTES`, larger only for a generation that is by itself."""

    def __init__(self, *, snapshots: Snapshots, on_loss: Callable[[str], None]) -> None:
        self._snapshots = snapshots
        self._on_loss = on_loss
        self._carried: bytes | None = None
        self._worked_since = 0.0

    def has_carried(self) -> bool:
        """Whether a generation that did not fit the last batch waits for the next."""
        return self._carried is not None

    def next(self, *, most_snapshots: int, take_dropped: Callable[[], dict[str, int]]) -> Batch | None:
        """Take up to `most_snapshots` and return a batch of them, or None when nothing could be made of them."""
        self._worked_since = time.perf_counter()
        encoded: list[bytes] = []
        size = 0
        if self._carried is not None:
            encoded, size, self._carried = [self._carried], len(self._carried), None
        for _ in range(min(most_snapshots, GENERATIONS_AT_MOST - len(encoded))):
            snapshot = self._snapshots.take()
            if snapshot is None:
                break
            generation = self._encoded(snapshot)
            if generation is None:
                continue
            if encoded and size + len(generation) > wire.BATCH_BYTES:
                self._carried = generation
                break
            encoded.append(generation)
            size += len(generation)
            self._step_aside()
        if not encoded:
            return None
        dropped = take_dropped()
        return Batch(body=_body(encoded, dropped), generations=len(encoded), dropped=dropped)

    def _encoded(self, snapshot: Any) -> bytes | None:
        unix_ns, messages, output, rest = snapshot
        try:
            is_unread = type(output) is Unread
            document = output.document(rest) if is_unread else {**rest, "messages": messages, "output": output}
            if document is None:
                self._on_loss("no_generation")
                return None
            now = datetime.fromtimestamp(unix_ns / 1e9, UTC)
            generation = wire.generation(document, now=now, random_bytes=os.urandom(10))
            return _encode(generation).encode()
        except BaseException:  # noqa: BLE001 - whatever the application's objects raise, the next generation is sent
            self._on_loss("bad_input")
            return None

    def _step_aside(self) -> None:
        if time.perf_counter() - self._worked_since > _WORK_SECONDS:
            time.sleep(_REST_SECONDS)
            self._worked_since = time.perf_counter()


def of_losses(dropped: dict[str, int]) -> Batch:
    """Return a batch without generations, for losses that would else go untold."""
    return Batch(body=_body([], dropped), generations=0, dropped=dropped)


def _body(encoded: list[bytes], dropped: dict[str, int]) -> bytes:
    tail = b"]}" if not dropped else b'],"dropped":' + _encode(dropped).encode() + b"}"
    return b"".join((b'{"v":%d,"generations":[' % wire.VERSION, b",".join(encoded), tail))
