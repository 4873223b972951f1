"""Celery's remote control stays off: whoever can write to Redis can ring bells, and still commands no worker."""

import socket

import pytest
from celery import Celery

from tests.acceptance.stage import Stage


@pytest.mark.parametrize("destination", ["everybody", "by name"])
def test_a_shutdown_by_celerys_remote_control_ends_no_worker(stage: Stage, destination: str) -> None:
    worker = stage.worker()
    named = [f"aftertag@{socket.gethostname()}"] if destination == "by name" else None
    with Celery(broker=stage.redis_url, set_as_current=False) as stranger:
        assert stranger.control.inspect(timeout=1, destination=named).ping() is None
        stranger.control.broadcast("shutdown", destination=named)
    stage.publish("after")
    stage.wait_until_final(1)
    assert stage.database.whys() == {"tagged": 1}
    assert worker.is_alive
    assert "stopping" not in worker.log
