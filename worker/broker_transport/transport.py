"""Our channel to Redis: fetches from the open queues, holds and reads each message; Celery gets only what is sound.

Celery finds the class by the `broker_transport` setting; `installing.install` sets it.
"""

# kombu is imported with its sources, which have hardly any types.
# mypy: allow-untyped-calls

from collections.abc import Callable, Mapping, Sequence
from inspect import Signature
from queue import Empty
from time import monotonic
from typing import Any

from kombu.message import Message as BaseMessage
from kombu.transport import redis as kombu_redis

from worker.broker_transport import envelope, holding, rejected
from worker.broker_transport.refusals import Refused
from worker.gates import Gates

NAP_SECONDS = 0.1


class _Delivery:
    """What `_read_one` hands through kombu to `CheckedMessage`: an accepted call and the tag it is held under."""

    __slots__ = ("accepted", "queue", "tag")

    def __init__(self, accepted: envelope.Accepted, queue: str, tag: str) -> None:
        self.accepted, self.queue, self.tag = accepted, queue, tag


class CheckedMessage(BaseMessage):
    """A message whose body is parsed already: without a content type, neither kombu nor Celery parses it again."""

    def __init__(self, payload: _Delivery, channel: Any = None, **options: Any) -> None:
        body, headers = payload.accepted.body, payload.accepted.headers
        delivery = {"exchange": "", "routing_key": payload.queue}
        super().__init__(
            body=body,
            channel=channel,
            delivery_tag=payload.tag,
            headers=headers,
            properties={"correlation_id": headers["id"], "priority": 0, "delivery_info": delivery},
            delivery_info=delivery,
            **options,
        )
        self._decoded_cache = body


class Channel(kombu_redis.Channel):
    """kombu's Redis channel with gates before the fetch and a check after it.

    Transport options of ours: `known_tasks` (a function that gives task name → signature; needed to consume), `gates`,
    `max_message_bytes`, `rejected_key`, `rejected_most` (entries), `rejected_body_bytes` (kept of each).
    """

    Message: Any = CheckedMessage
    QoS = holding.QoS

    known_tasks: Callable[[], Mapping[str, Signature]] | None = None
    gates: Gates | None = None
    _asked: Sequence[str] = ()
    _found_none = False
    _in_poll: Any = False
    _brpop_sent_at: Any = None
    max_message_bytes = 4_000_000
    rejected_key = rejected.REJECTED_KEY
    rejected_most = 100
    rejected_body_bytes = 1_000_000

    from_transport_options: Any = (
        *kombu_redis.Channel.from_transport_options,
        "known_tasks",
        "gates",
        "max_message_bytes",
        "rejected_key",
        "rejected_most",
        "rejected_body_bytes",
    )

    def basic_consume(self, queue: str, *args: Any, **kwargs: Any) -> Any:
        """Start consuming. Raise ValueError without `known_tasks`: every message would be set aside."""
        if self.known_tasks is None:
            raise ValueError("The transport option known_tasks is missing: call installing.install on the Celery app.")
        self._signatures = self.known_tasks()
        started = super().basic_consume(queue, *args, **kwargs)
        self.qos.stamp_held()
        return started

    def _brpop_start(self, timeout: float | None = None) -> None:
        """Ask for one message of each open queue. When the last round found none, nap: wait on one queue, shortly, so
        that the others, and a gate that opens, are looked at again soon. Redis has no command that waits on several
        queues and keeps what it hands out."""
        self._asked = [
            queue
            for queue in self._queue_cycle.consume(len(self.active_queues))
            if self.gates is None or self.gates.is_open(queue)
        ]
        if not self._asked:
            return
        ends: tuple[Any, ...] = ("RIGHT", "LEFT")
        if self._found_none:
            self._asked, ends = self._asked[-1:], (*ends, NAP_SECONDS)
        verb = "BLMOVE" if self._found_none else "LMOVE"
        connection = self.client.connection
        self._in_poll, self._brpop_sent_at = connection, monotonic()
        commands = [(verb, queue, self.qos.held_key(queue), *ends) for queue in self._asked]
        connection.send_packed_command(connection.pack_commands(commands))
        self._found_none = not self._found_none

    def _brpop_read(self, **options: Any) -> bool:
        try:
            fetched, refusals = self._read_replies()
        except self.connection_errors:
            # Disconnected, the next round of the loop connects anew.
            self.client.connection.disconnect()
            raise
        finally:
            self._in_poll = None
            self._flush_brpop_reauth()
        for queue, raw in fetched:
            self._found_none = False
            self._queue_cycle.rotate(queue)
            self._read_one(raw, queue)
        if refusals:
            raise refusals[0]
        if not fetched:
            raise Empty
        return True

    def _read_replies(self) -> tuple[list[tuple[str, bytes]], list[Exception]]:
        """Read every reply of the round, also after one that is an error: the next round's must not mix with these."""
        fetched: list[tuple[str, bytes]] = []
        refusals: list[Exception] = []
        for queue in self._asked:
            try:
                raw = self.client.parse_response(self.client.connection, "LMOVE")
            except self.ResponseError as refusal:
                refusals.append(refusal)
            else:
                if raw is not None:
                    fetched.append((queue, raw))
        return fetched, refusals

    def _read_one(self, raw: bytes, queue: str) -> None:
        tag = self.qos.tag(raw, queue)
        outcome = envelope.read(raw, known_tasks=self._signatures, max_bytes=self.max_message_bytes)
        if isinstance(outcome, Refused):
            self.qos.set_aside(outcome, tag)
        else:
            self.connection._deliver(_Delivery(outcome, queue, tag), queue)

    def _size(self, queue: str) -> int:
        # kombu's own asks in a transaction, which Redis out of memory refuses: no worker could start.
        return sum(self._create_client().llen(self._q_for_pri(queue, priority)) for priority in self.priority_steps)

    def _get(self, queue: str, timeout: float | None = None) -> Any:
        raise NotImplementedError("This channel delivers to consumers only; there is no fetching one by one.")


class Transport(kombu_redis.Transport):
    """kombu's Redis transport over our channel; the worker's loop stamps what is held and wakes when a gate opens."""

    Channel = Channel

    _stamp_timer: Any = None

    def register_with_event_loop(self, connection: Any, loop: Any) -> None:
        super().register_with_event_loop(connection, loop)
        if self._stamp_timer is not None:
            self._stamp_timer.cancel()
        options = connection.client.transport_options
        # Four stamps in a timeout: one may be late, or fail, without a message going out twice.
        stamp_seconds = options.get("visibility_timeout", Channel.visibility_timeout) / 4
        self._stamp_timer = loop.call_repeatedly(stamp_seconds, self._stamp_held)
        gates = options.get("gates")
        if gates is not None:
            gates.wake_with(lambda: loop.call_soon(_look_again))

    def _stamp_held(self) -> None:
        for channel in list(self.channels):
            try:
                channel.qos.stamp_held()
            except self.connection_errors:
                # The loop itself notices the broken connection and connects anew; the stamp is repeated soon.
                return


def _look_again() -> None:
    """Nothing to do: being called ends the loop's sleep, and every round starts by looking at the gates."""
