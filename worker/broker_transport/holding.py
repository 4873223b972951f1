"""What this process has taken from Redis and not acknowledged yet: kept in Redis as it came, and put back from there.

A message is held before it is read, so that a worker that dies over it loses nothing, and an unreadable one moves to
the rejected list in one transaction. What a process holds it stamps again and again; what nobody has stamped for
`visibility_timeout` seconds belonged to a process that is gone, and goes back to the tail of its queue.
"""

# mypy: allow-untyped-calls

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from time import time
from typing import Any
from uuid import uuid4

from kombu.log import get_logger
from kombu.transport import redis as kombu_redis
from kombu.transport import virtual

from worker.broker_transport import rejected
from worker.broker_transport.refusals import Fault, Refused

logger = get_logger(__name__)

_QUEUE = re.compile(rb"[0-9A-Za-z_.-]{1,128}")
_NOT_RESTORABLE = Refused(fault=Fault.NOT_RESTORABLE, error="A held message does not say which queue it came from.")


class QoS(kombu_redis.QoS):
    """kombu's acknowledgements, over entries of our own: tag → queue, newline, the raw message."""

    def hold(self, raw: bytes, queue: str) -> str:
        """Keep `raw` until it is acknowledged, rejected or restored; return its tag, new for every delivery."""
        tag = uuid4().hex
        with self._transaction() as pipe:
            pipe.zadd(self.unacked_index_key, {tag: time()})
            pipe.hset(self.unacked_key, tag, queue.encode() + b"\n" + raw)
        return tag

    def append(self, message: Any, delivery_tag: str) -> None:
        """Count the message as delivered; Redis has it since `hold`."""
        virtual.QoS.append(self, message, delivery_tag)

    def ack(self, delivery_tag: str) -> None:
        """Forget a message that is done."""
        self._let_go(delivery_tag)
        virtual.QoS.ack(self, delivery_tag)

    def reject(self, delivery_tag: str, requeue: bool = False) -> None:
        """Forget a message, or put it back, last in turn."""
        if requeue:
            self.restore_by_tag(delivery_tag, leftmost=True)
        else:
            self._let_go(delivery_tag)
        virtual.QoS.ack(self, delivery_tag)

    def set_aside(self, refused: Refused, raw: bytes, queue: str, tag: str | None = None) -> None:
        """Move a message that nobody can run to the rejected list."""
        with self._transaction() as pipe:
            self._push_rejected(pipe, refused, raw, queue)
            if tag is not None:
                self._forget(pipe, tag)
        logger.warning("Set aside a message of %d bytes from queue %s: %s.", len(raw), queue, refused.fault.value)

    def stamp_held(self) -> None:
        """Say that this process is alive and still has what it has. Called every few seconds by the worker's loop."""
        now = time()
        tags = {tag: now for tag in self._delivered if tag not in self._dirty}
        if tags:
            with self.channel.conn_or_acquire() as client:
                client.zadd(self.unacked_index_key, tags, xx=True)

    def restore_visible(self, start: int = 0, num: int | None = None, interval: int = 1) -> None:
        """Put back what nobody has stamped for `visibility_timeout` seconds. kombu's own does it under a lock, which
        needs Lua; here each entry moves in a transaction that only one of several workers wins."""
        with self.channel.conn_or_acquire() as client:
            latest = time() - self.visibility_timeout
            for tag in client.zrangebyscore(self.unacked_index_key, 0, latest, start=start, num=num or 100):
                self.restore_by_tag(tag, client)

    def restore_by_tag(self, tag: str | bytes, client: Any = None, leftmost: bool = False) -> None:
        """Put one held message back onto its queue, next in turn (last in turn if `leftmost`)."""

        def restore(pipe: Any) -> None:
            entry = pipe.hget(self.unacked_key, tag)
            pipe.multi()
            self._forget(pipe, tag)
            if entry is None:
                return
            queue, separator, raw = entry.partition(b"\n")
            if separator and _QUEUE.fullmatch(queue):
                (pipe.lpush if leftmost else pipe.rpush)(queue, raw)
            else:
                self._push_rejected(pipe, _NOT_RESTORABLE, entry, "")

        with self.channel.conn_or_acquire(client) as connected:
            connected.transaction(restore, self.unacked_key)

    def _let_go(self, tag: str) -> None:
        # Not in a transaction: Redis out of memory refuses to queue any, and acknowledging is what frees memory.
        with self.channel.conn_or_acquire() as client, client.pipeline(transaction=False) as pipe:
            self._forget(pipe, tag)
            pipe.execute()

    def _forget(self, pipe: Any, tag: str | bytes) -> None:
        pipe.zrem(self.unacked_index_key, tag)
        pipe.hdel(self.unacked_key, tag)

    def _push_rejected(self, pipe: Any, refused: Refused, raw: bytes, queue: str) -> None:
        channel = self.channel
        entry = rejected.to_entry(
            refused,
            raw=raw,
            queue=queue,
            id=uuid4().hex,
            received_at=datetime.now(UTC),
            body_bytes=channel.rejected_body_bytes,
        )
        pipe.lpush(channel.rejected_key, entry)
        pipe.ltrim(channel.rejected_key, 0, channel.rejected_most - 1)

    @contextmanager
    def _transaction(self) -> Iterator[Any]:
        with self.channel.conn_or_acquire() as client, client.pipeline() as pipe:
            yield pipe
            pipe.execute()
