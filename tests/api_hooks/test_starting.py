"""How the sending thread begins: once, never at the price of a fork, and not at all where there are no threads left."""

import contextlib
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

import api_hooks
from api_hooks.line import Line
from api_hooks.settings import Settings
from tests.api_hooks.senders import KeepingSender

ROOT = Path(__file__).parents[2]

_FORKS_WHILE_IMPORTING = """
import os, sys, threading
import api_hooks

started = threading.Event()


class Notices:
    def find_spec(self, name, path=None, target=None):
        if name == sys.argv[2]:
            started.set()


sys.meta_path.insert(0, Notices())
api_hooks.configure(url=sys.argv[1], workspace="forks", flush_seconds=0.01)
assert api_hooks.enqueue("from the parent")
assert started.wait(20), "the import did not begin"
child = os.fork()
if child == 0:
    import celery.app.amqp, kombu.transport.redis
    sent = api_hooks.enqueue("from the child") and api_hooks.flush(20) and api_hooks.stats().sent == 1
    os._exit(0 if sent else 3)
status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
assert api_hooks.flush(20) and api_hooks.stats().sent == 1
sys.exit(status)
"""


_LISTS_LATE_IMPORTS = """
import sys
import api_hooks


class Notices:
    names = []

    def find_spec(self, name, path=None, target=None):
        self.names.append(name)


sys.meta_path.insert(0, Notices())
api_hooks.configure(url=sys.argv[1], workspace="forks", flush_seconds=0.01)
api_hooks.enqueue("x")
api_hooks.flush(20 if sys.argv[2] == "up" else 1)
print(*Notices.names[Notices.names.index("encodings.idna") + 1:])
"""


@pytest.fixture
def impatient_switching() -> Iterator[None]:
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


@pytest.mark.parametrize("module", ["celery.app.amqp", "kombu.transport.redis", "redis.client"])
def test_a_child_that_is_forked_while_the_hook_imports_can_import_and_send(redis_db_url: str, module: str) -> None:
    ended = subprocess.run(
        [sys.executable, "-c", _FORKS_WHILE_IMPORTING, redis_db_url, module],
        cwd=ROOT,
        timeout=60,
        check=False,
        capture_output=True,
        text=True,
    )
    assert (ended.returncode, ended.stderr) == (0, "")


def test_what_sending_needs_is_imported_before_it_begins(redis_db_url: str) -> None:
    for url, state in ((redis_db_url, "up"), ("redis://127.0.0.1:1/0", "down")):
        late = subprocess.run(
            [sys.executable, "-c", _LISTS_LATE_IMPORTS, url, state],
            cwd=ROOT,
            timeout=60,
            check=True,
            capture_output=True,
            text=True,
        )
        assert set(late.stdout.split()) <= {"stringprep", "unicodedata"}  # which encodings.idna itself imports


def test_many_threads_that_enqueue_first_at_once_start_one_thread(impatient_switching: None) -> None:
    for _ in range(30):
        starts: list[int] = []
        sender = KeepingSender()
        settings = Settings(url="redis://unused", workspace="w", flush_seconds=0.01)
        line = Line(settings, sender=sender, on_start=lambda seen=starts: seen.append(1))  # type: ignore[misc]
        together = threading.Barrier(8)

        def first(line: Line = line, together: threading.Barrier = together) -> None:
            together.wait(10)
            line.put("x", None, {"workspace": None, "app": None})

        threads = [threading.Thread(target=first) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(10)
        assert line.close(10)
        assert starts == [1]
        assert len(sender.generations) == 8


def test_enqueue_near_the_end_of_the_stack_returns_false_instead_of_raising() -> None:
    api_hooks.configure(url="redis://127.0.0.1:1/0", workspace="deep", exit_seconds=0.0)
    answers: list[bool] = []
    raised_inside: list[str] = []

    def descend() -> None:
        # Each depth is tried, down to where not even the call of enqueue itself has room.
        with contextlib.suppress(RecursionError):
            descend()
        if len(answers) < 60:
            try:
                answers.append(api_hooks.enqueue([{"role": "user", "content": ["deep"]}]))
            except RecursionError as error:
                inner = error.__traceback__.tb_next if error.__traceback__ else None
                if inner is not None:
                    raised_inside.append(inner.tb_frame.f_code.co_name)

    descend()
    api_hooks.close(0.0)
    assert raised_inside == []
    assert False in answers
    assert answers[-1] is True
