"""Put a batch onto the worker's queue, as a Celery message. The only module of the hook that knows Celery.

Celery is imported here, on the sending thread, when the first batch is sent. The message goes out through a connection
of its own and past Celery's signals: receivers of `before_task_publish`, which belong to the application or its
tracing, would be handed the text. With these transport options a Redis that accepts and stays silent costs this
thread the timeout, where Celery's defaults wait for ever.

`redis_publish_only.acl`, beside this module, is the Redis user that is enough for it; it stands there with the password
`replace-this-password`, which is to be replaced.
"""

# mypy: allow-untyped-calls

import time
from collections.abc import Callable
from importlib import import_module
from typing import Any

from api_hooks.errors import BrokerFullError, SendError
from api_hooks.unreached import words_for
from api_hooks.wire import contract

HIDDEN_ARGUMENTS = "(not shown)"

_BEFORE = b"[["
_AFTER = b'],{},{"callbacks":null,"errbacks":null,"chain":null,"chord":null}]'
_MEASURE_SECONDS = 1.0
_USED_LATER = ("kombu.transport.redis", "secrets", "encodings.idna")


class RedisPublisher:
    """Sends batches to the queue `record`; used by one thread, inside `forking.work`."""

    def __init__(
        self,
        *,
        url: str,
        socket_timeout_seconds: float,
        max_broker_bytes: int,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._url = url
        self._socket_timeout_seconds = socket_timeout_seconds
        self._max_broker_bytes = max_broker_bytes
        self._clock = clock
        self._app: Any = None
        self._producer: Any = None
        self._message_bytes = 0.0
        self._waiting_bytes = 0.0
        self._measured_at = float("-inf")

    def send(self, batch: bytes) -> int:
        """Send a batch, JSON in UTF-8. Raise BrokerFullError past the cap, SendError when Redis does not take it.

        Return 0 rejected generations: only the worker will know of such. A SendError does not mean that the batch has
        not arrived; sent again, it is recorded once.
        """
        try:
            if self._producer is None:
                self._connect()
            self._expect_room(len(batch) * 4 // 3)
            self._publish(batch)
        except BrokerFullError:
            raise
        except Exception as error:
            self.close()
            raise SendError(words_for(error, self._url)) from error
        return 0

    def close(self) -> None:
        """Let go of the connection; the next batch makes another."""
        producer, self._producer = self._producer, None
        if producer is not None:
            try:
                producer.connection.release()
            except Exception:  # noqa: BLE001 - a connection that is broken already has nothing left to say
                return

    def _connect(self) -> None:
        if self._app is None:
            self._app = _imported_app()
        connection = self._app.connection_for_write(
            self._url,  # named here, because CELERY_BROKER_URL, which is the application's, would override the app's
            ssl={"ssl_cert_reqs": "required"} if self._url.startswith("rediss://") else False,
            transport_options={
                "socket_timeout": self._socket_timeout_seconds,
                "socket_connect_timeout": self._socket_timeout_seconds,
                "retry_on_timeout": False,
                "max_retries": 0,
            },
        )
        self._producer = self._app.amqp.Producer(connection, auto_declare=False)

    def _publish(self, batch: bytes) -> None:
        message = self._app.amqp.as_task_v2(
            _new_uuid(),
            contract.RECORD_TASK,
            argsrepr=HIDDEN_ARGUMENTS,
            kwargsrepr=HIDDEN_ARGUMENTS,
            ignore_result=True,
        )
        body = b"".join((_BEFORE, batch, _AFTER))
        self._producer.publish(
            body,
            exchange="",
            routing_key=contract.RECORD_QUEUE,
            headers=message.headers,
            content_type="application/json",
            content_encoding="utf-8",
            retry=False,
            **message.properties,
        )
        sent = len(body) * 4 / 3
        self._waiting_bytes += sent
        self._message_bytes = sent if not self._message_bytes else 0.9 * self._message_bytes + 0.1 * sent

    def _expect_room(self, wanted_bytes: int) -> None:
        """Estimate what waits in Redis, at most once a second, as the queue's length times our messages' mean size.

        LLEN is all that a publish-only user may ask. Where senders' messages differ in size, those of larger ones stop
        earlier, so that what waits stays in the order of the cap.
        """
        now = self._clock()
        if now - self._measured_at >= _MEASURE_SECONDS:
            length = self._producer.channel.client.llen(contract.RECORD_QUEUE)
            self._waiting_bytes = length * (self._message_bytes or wanted_bytes)
            self._measured_at = now
        if self._waiting_bytes + wanted_bytes > self._max_broker_bytes:
            raise BrokerFullError(f"More than {self._max_broker_bytes} bytes wait in the queue.")


def _imported_app() -> Any:
    """Import all that sending needs. Celery, kombu and redis load much of it only when it is used; see `forking`."""
    from celery import Celery

    app = Celery("aftertag-hook", set_as_current=False)
    app.amqp.as_task_v2(_new_uuid(), contract.RECORD_TASK)
    for name in _USED_LATER:
        import_module(name)
    return app


def _new_uuid() -> str:
    from celery.utils import uuid

    return str(uuid())
