"""A way out that keeps what it is given, and plays the broker that refuses, is full, or takes its time."""

import json
import threading
from typing import Any

from api_hooks.errors import SendError
from api_hooks.line import Line

FIELDS = ("workspace", "app", "id", "created_at", "user", "metadata", "usage", "tools", "session_id")


class KeepingSender:
    """Keeps batches, and says that `rejects` of each were rejected. `raises` is raised instead while it is set.

    While `may_send` is unset, sending hangs.
    """

    def __init__(self) -> None:
        self.bodies: list[bytes] = []
        self.attempts = 0
        self.raises: SendError | None = None
        self.rejects = 0
        self.may_send = threading.Event()
        self.may_send.set()

    def send(self, batch: bytes) -> int:
        self.attempts += 1
        self.may_send.wait(30)
        if self.raises is not None:
            raise self.raises
        self.bodies.append(batch)
        return self.rejects

    def close(self) -> None:
        self.may_send.set()

    @property
    def batches(self) -> list[dict[str, Any]]:
        return [json.loads(body) for body in self.bodies]

    @property
    def generations(self) -> list[dict[str, Any]]:
        return [generation for batch in self.batches for generation in batch["generations"]]


def put(line: Line, messages: Any = "hello", **fields: Any) -> bool:
    """Hand one generation to a line, as `enqueue` does."""
    return line.put(messages, None, {**dict.fromkeys(FIELDS), **fields})
