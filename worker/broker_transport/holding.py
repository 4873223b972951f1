"""What this process has fetched and not acknowledged yet: it stays in Redis, in a list per consumer and queue.

Redis itself moves a message from its queue into that list (LMOVE), so there is no moment at which it exists only on
the way or in this process: with kombu's fetch-then-store, killing a busy worker 12 times lost 3 messages. A consumer
stamps its lists again and again; what nobody has stamped for `visibility_timeout` seconds belonged to a process that
is gone, and Redis moves it back.
"""

# mypy: allow-untyped-calls

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from kombu.log import get_logger
from kombu.transport import redis as kombu_redis
from kombu.transport import virtual

from worker.broker_transport import rejected
from worker.broker_transport.refusals import Refused

logger = get_logger(__name__)

HELD = "aftertag.held"
HELD_INDEX = "aftertag.held_index"

_HELD_KEY = re.compile(re.escape(HELD.encode()) + rb":[0-9a-f]{32}:([0-9A-Za-z_.-]{1,128})")


class QoS(kombu_redis.QoS):
    """kombu's acknowledgements over held lists. Held lists are `aftertag.held:<consumer>:<queue>`, newest first."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._consumer = uuid4().hex
        self._raw: dict[str, tuple[str, bytes]] = {}
        self._stamped: set[str] = set()

    def held_key(self, queue: str) -> str:
        """Return the list into which this consumer's messages of `queue` are moved."""
        return f"{HELD}:{self._consumer}:{queue}"

    def tag(self, raw: bytes, queue: str) -> str:
        """Name a message that was moved into the held list; new for every delivery, whatever the sender wrote."""
        tag = uuid4().hex
        self._raw[tag] = (queue, raw)
        return tag

    def append(self, message: Any, delivery_tag: str) -> None:
        """Count the message as delivered; Redis holds it already."""
        virtual.QoS.append(self, message, delivery_tag)

    def ack(self, delivery_tag: str) -> None:
        """Forget a message that is done. A second time does nothing."""
        if delivery_tag in self._raw:
            queue, raw = self._raw.pop(delivery_tag)
            with self.channel.conn_or_acquire() as client:
                client.lrem(self.held_key(queue), 1, raw)
        virtual.QoS.ack(self, delivery_tag)

    def reject(self, delivery_tag: str, requeue: bool = False) -> None:
        """Forget a message, or put it back onto its queue, last in turn."""
        if requeue and delivery_tag in self._raw:
            queue, raw = self._raw.pop(delivery_tag)
            with self._transaction() as pipe:
                pipe.lrem(self.held_key(queue), 1, raw)
                pipe.lpush(queue, raw)
        self.ack(delivery_tag)

    def set_aside(self, refused: Refused, tag: str) -> None:
        """Move a message that nobody can run to the rejected list."""
        queue, raw = self._raw.pop(tag)
        channel = self.channel
        entry = rejected.to_entry(
            refused,
            raw=raw,
            queue=queue,
            id=tag,
            received_at=datetime.now(UTC),
            body_bytes=channel.rejected_body_bytes,
        )
        with channel.conn_or_acquire() as client, client.pipeline() as pipe:
            pipe.lpush(channel.rejected_key, entry)
            pipe.ltrim(channel.rejected_key, 0, channel.rejected_most - 1)
            pipe.lrem(self.held_key(queue), 1, raw)
            length, *_ = pipe.execute()
            if length > channel.rejected_most:
                client.incrby(rejected.TRIMMED_KEY, length - channel.rejected_most)
        logger.warning("Set aside a message of %d bytes from queue %s: %s.", len(raw), queue, refused.fault.value)

    def stamp_held(self) -> None:
        """Say that this consumer is alive and has what it has. Before the first fetch, then every few seconds."""
        queues = self.channel.active_queues
        if queues:
            self._stamped.update(queues)
            with self.channel.conn_or_acquire() as client:
                now = _redis_time(client)
                client.zadd(HELD_INDEX, {self.held_key(queue): now for queue in queues})

    def restore_visible(self, start: int = 0, num: int | None = None, interval: int = 1) -> None:
        """Put back what nobody has stamped for `visibility_timeout` seconds. No lock: each move is Redis's own."""
        with self.channel.conn_or_acquire() as client:
            for key in client.zrangebyscore(HELD_INDEX, 0, _redis_time(client) - self.visibility_timeout):
                self._restore_list(client, key)

    def restore_unacked_once(self, stderr: object = None) -> None:
        """Put back what this consumer holds, when its channel closes. A second time does nothing."""
        self._on_collect.cancel()
        self._raw.clear()
        self._delivered.clear()
        if not self._stamped:
            return
        with self.channel.conn_or_acquire() as client:
            while self._stamped:
                self._restore_list(client, self.held_key(self._stamped.pop()).encode())
        # The closing channel has let go of its connections already, and now has one again.
        self.channel._disconnect_pools()

    def _restore_list(self, client: Any, key: bytes) -> None:
        queue = _HELD_KEY.fullmatch(key)
        if queue is None:
            logger.warning("Removed an entry of %d bytes from %s that names no held list.", len(key), HELD_INDEX)
        else:
            # The newest first, so that the oldest ends up next in turn.
            while client.lmove(key, queue[1], "LEFT", "RIGHT") is not None:
                pass
        client.zrem(HELD_INDEX, key)

    @contextmanager
    def _transaction(self) -> Iterator[Any]:
        with self.channel.conn_or_acquire() as client, client.pipeline() as pipe:
            yield pipe
            pipe.execute()


def _redis_time(client: Any) -> float:
    """The one clock that all consumers share: by their own, one that is ahead would take from the living."""
    seconds, microseconds = client.time()
    return float(seconds + microseconds / 1e6)
