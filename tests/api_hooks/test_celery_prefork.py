"""Real Celery workers with prefork: what their processes hand over arrives, at the latest when they end."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import redis
from celery import Celery

from tests.api_hooks.test_processes import texts
from tests.waiting import wait_until

ROOT = Path(__file__).parents[2]
TASKS = 20


@pytest.mark.parametrize("more", [[], ["--max-tasks-per-child=5"]])
def test_what_celerys_processes_hand_over_arrives_when_they_end(
    more: list[str], redis_db_url: str, tmp_path: Path
) -> None:
    app = Celery("asks", broker=redis_db_url, set_as_current=False)
    for number in range(TASKS):
        app.send_task("answer", args=[number], ignore_result=True)
    command = [sys.executable, "-m", "celery", "-A", "tests.api_hooks.celery_application", "worker"]
    log = tmp_path / "log"
    with log.open("wb") as out, redis.Redis.from_url(redis_db_url) as client:
        worker = subprocess.Popen(
            [*command, "--pool=prefork", "--concurrency=2", "--without-gossip", "--without-mingle", *more],
            cwd=ROOT,
            env={**os.environ, "HOOK_URL": redis_db_url},
            stdout=out,
            stderr=out,
        )
        try:
            wait_until(lambda: not client.exists("celery", "unacked"), deadline_seconds=60, what="the tasks to be done")
            worker.send_signal(signal.SIGTERM)
            assert worker.wait(60) == 0, log.read_text()
        finally:
            worker.kill()
            worker.wait(30)
    app.close()
    arrived = texts(redis_db_url)
    assert arrived.count("early") == 1, log.read_text()
    assert sorted(int(text.split()[0]) for text in arrived if text != "early") == list(range(TASKS))
    assert str(worker.pid) not in {text.split()[-1] for text in arrived}
