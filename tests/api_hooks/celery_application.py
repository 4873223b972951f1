"""A Celery application whose task hands over a generation; run by real worker processes in their test.

HOOK_URL is its broker, and where the hook sends. The first process hands one over before it forks the others.
"""

import os

from celery import Celery

import api_hooks

app = Celery("application", broker=os.environ["HOOK_URL"])
app.conf.worker_prefetch_multiplier = 1
app.conf.broker_connection_retry_on_startup = False

api_hooks.configure(url=os.environ["HOOK_URL"], workspace="acme", flush_seconds=30, exit_seconds=10)
api_hooks.enqueue("early")


@app.task(name="answer", ignore_result=True)  # type: ignore[untyped-decorator]
def answer(number: int) -> None:
    assert api_hooks.enqueue(f"{number} {os.getpid()}")
