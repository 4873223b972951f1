"""Set a Celery app up for our transport: the settings for safe, quiet consuming from Redis."""

import ssl
from collections.abc import Mapping
from functools import partial
from inspect import Signature, signature
from typing import Any

from worker.gates import Gates

VISIBILITY_TIMEOUT_SECONDS = 30


def install(app: Any, *, redis_url: str, gates: Gates, **options: Any) -> None:
    """Point `app` at `redis_url` through our transport; it accepts exactly the tasks registered on `app`.

    `options` are further transport options (see `transport.Channel`). Raise ValueError for other than one Redis URL.
    """
    known_tasks = partial(calls_of, app)
    app.conf.update(settings(redis_url=redis_url, options={"known_tasks": known_tasks, "gates": gates, **options}))


def calls_of(app: Any) -> Mapping[str, Signature]:
    """Return the signatures of the tasks registered on `app`, Celery's own left out: nothing of ours calls those."""
    return {name: signature(task.run) for name, task in app.tasks.items() if not name.startswith("celery.")}


def settings(*, redis_url: str, options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the Celery settings, broker and safety only: queues, routes and schedules are the app's."""
    if not redis_url.startswith(("redis://", "rediss://")) or ";" in redis_url:
        # kombu would answer other schemes, and failover lists, with its stock transport, which checks nothing.
        raise ValueError("The Redis URL is not one redis:// or rediss:// URL: give AFTERTAG_REDIS_URL as one of these.")
    return {
        "broker_url": redis_url,
        # CELERY_BROKER_URL, another application's on the same machine, overrides the first of the three, but not these.
        "broker_read_url": redis_url,
        "broker_write_url": redis_url,
        "broker_transport": "worker.broker_transport.transport:Transport",
        "broker_use_ssl": {"ssl_cert_reqs": ssl.CERT_REQUIRED} if redis_url.startswith("rediss://") else False,
        "broker_transport_options": {**_CONNECTION, **options},
        "broker_connection_retry_on_startup": True,
        "broker_connection_max_retries": None,
        # Redis out of memory, read-only or failing to persist is an error of a command, not of the connection.
        "broker_channel_error_retry": True,
        "worker_enable_remote_control": False,
        "worker_send_task_events": False,
        "task_send_sent_event": False,
        "worker_prefetch_multiplier": 1,
        # A threads pool cannot cancel: trying only logs a traceback for every running task.
        "worker_cancel_long_running_tasks_on_connection_loss": False,
        "worker_enable_prefetch_count_reduction": False,
        "worker_disable_rate_limits": True,
        "task_acks_late": True,
        "task_ignore_result": True,
        "result_backend": None,
        "task_default_exchange": "",
        "task_serializer": "json",
        "accept_content": ["json"],
    }


_CONNECTION = {
    # Short, because a living process stamps what it holds four times in it, however long it holds it.
    "visibility_timeout": VISIBILITY_TIMEOUT_SECONDS,
    "unacked_restore_interval": 5,
    "unacked_restore_throttle": 1,
    # One list per queue: nothing of ours has a priority, and the depth of a queue is one LLEN.
    "priority_steps": [0],
    # Whoever publishes hears at once that Redis is away, where kombu would try for ever; the consumer has its own loop.
    "max_retries": 0,
    "socket_connect_timeout": 5,
    "socket_timeout": 15,
    "socket_keepalive": True,
    "health_check_interval": 10,
    "max_connections": 50,
}
