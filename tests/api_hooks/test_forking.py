"""No child is forked while its parent's sending thread is at work: what that holds would be held for ever in the child."""

import subprocess
import sys
import threading
from pathlib import Path

import pytest

from api_hooks import forking

ROOT = Path(__file__).parents[2]

_FORKS_WHILE_AT_WORK = """
import os, sys, threading, time
import api_hooks

url, file, function = sys.argv[1:]
there = threading.Event()


def dawdle(frame, event, _):
    # Stay a moment in this function, with whatever locks it is in.
    if event == "call" and frame.f_code.co_name == function and frame.f_code.co_filename.endswith(file):
        threading.setprofile(None)
        sys.setprofile(None)
        there.set()
        time.sleep(0.3)


def have_other_threads():
    # Without them the child's sending thread would bear the ident of the parent's, and pass for the owner of its locks.
    for _ in range(3):
        threading.Thread(target=threading.Event().wait, daemon=True).start()


have_other_threads()
threading.setprofile(dawdle)
api_hooks.configure(url=url, workspace="forks", flush_seconds=0.01, socket_timeout_seconds=30)
assert api_hooks.enqueue("from the parent")
threading.setprofile(None)
have_other_threads()
assert there.wait(30), "it did not come there"
child = os.fork()
if child == 0:
    import celery.app.amqp, kombu.transport.redis
    sent = api_hooks.enqueue("from the child") and api_hooks.flush(30) and api_hooks.stats().sent == 1
    os._exit(0 if sent else 3)
status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
assert api_hooks.flush(30) and api_hooks.stats().sent == 1
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
api_hooks.configure(url=sys.argv[1], workspace="forks", flush_seconds=0.01, socket_timeout_seconds=30)
api_hooks.enqueue("x")
if sys.argv[2] == "up":
    assert api_hooks.flush(30)
while sys.argv[2] == "down" and not api_hooks.stats().is_failing:
    api_hooks.flush(0.1)
print(*Notices.names[Notices.names.index("encodings.idna") + 1:])
"""

_LISTS_IMPORTS_OUTSIDE_OF_WORK = """
import sys, threading
import api_hooks
from api_hooks import current, forking
from api_hooks.settings import Settings


class Notices:
    names = []

    def find_spec(self, name, path=None, target=None):
        if threading.current_thread().name == "aftertag-hook" and not forking.work._under_way._is_owned():
            self.names.append(name)


class Sender:
    def send(self, batch):
        return 0

    def close(self):
        pass


sys.meta_path.insert(0, Notices())
settings = Settings.build({"workspace": "forks", "sample": 0.5, "sample_by": "session", "redact": str.upper}, {})
with current.sending_to(Sender(), settings):
    call = {"id": "c", "function": {"name": "f", "arguments": {"a": [1.5, None, b"x"]}}}
    response = {"id": "chatcmpl-1", "model": "m", "choices": [{"message": {"role": "assistant", "tool_calls": [call]}}]}
    for created_at in (None, 1.7e9, "2026-01-02T03:04:05Z", "Sun, 06 Nov 1994 08:49:37 GMT", "no time"):
        for given_id in (None, "x" * 500, 7):
            for session_id in (None, "s", "t"):
                given = {"id": given_id, "created_at": created_at, "session_id": session_id}
                assert api_hooks.enqueue([{"role": "user", "content": "ü\\ud800" * 9000}], response, **given)
                assert api_hooks.enqueue(b"x", metadata={"k": [1, {"a": object()}]}, tools=[call], **given)
    assert api_hooks.feedback("x", 1.0, "fine") and api_hooks.flush(30)
    assert api_hooks.stats().dropped == {}, api_hooks.stats()
print(*Notices.names)
"""


def run(program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", program, *arguments], cwd=ROOT, timeout=60, check=False, capture_output=True, text=True
    )


@pytest.mark.parametrize(
    "file", ["api_hooks/publisher.py", "celery/app/amqp.py", "kombu/transport/redis.py", "redis/client.py"]
)
def test_a_child_that_is_forked_while_the_hook_imports_can_import_and_send(redis_db_url: str, file: str) -> None:
    ended = run(_FORKS_WHILE_AT_WORK, redis_db_url, file, "<module>")
    assert (ended.returncode, ended.stderr) == (0, "")


def test_a_child_that_is_forked_while_a_property_of_kombu_is_read_can_send(redis_db_url: str) -> None:
    ended = run(_FORKS_WHILE_AT_WORK, redis_db_url, "kombu/transport/redis.py", "client")
    assert (ended.returncode, ended.stderr) == (0, "")


def test_what_sending_needs_is_imported_before_it_begins(redis_db_url: str) -> None:
    for url, state in ((redis_db_url, "up"), ("redis://127.0.0.1:1/0", "down")):
        late = run(_LISTS_LATE_IMPORTS, url, state)
        assert late.returncode == 0
        assert set(late.stdout.split()) <= {"stringprep", "unicodedata"}  # which encodings.idna itself imports


def test_building_which_no_fork_waits_for_imports_nothing() -> None:
    late = run(_LISTS_IMPORTS_OUTSIDE_OF_WORK)
    assert (late.returncode, late.stdout.split(), late.stderr) == (0, [], "")


def test_a_fork_comes_between_two_pieces_of_work_that_follow_at_once() -> None:
    work = forking.Work()
    done, between = threading.Event(), threading.Event()

    def busy() -> None:
        while not done.is_set():
            with work:
                between.wait(0.001)

    worker = threading.Thread(target=busy)
    worker.start()
    try:
        for _ in range(50):
            assert work.hold(10)
            work.let_go()
    finally:
        done.set()
        worker.join(30)


def test_patience_that_is_over_leaves_the_work_to_its_thread() -> None:
    work = forking.Work()
    inside, may_end = threading.Event(), threading.Event()

    def long() -> None:
        with work:
            inside.set()
            may_end.wait(30)

    worker = threading.Thread(target=long)
    worker.start()
    assert inside.wait(30)
    assert not work.hold(0.05)
    work.let_go()
    may_end.set()
    worker.join(30)
    assert work.hold(0.05)
    work.let_go()


def test_a_wait_that_is_no_work_holds_up_no_fork() -> None:
    work = forking.Work()
    waits, may_end = threading.Event(), threading.Event()

    def wait() -> None:
        with work, work.interrupted():
            waits.set()
            may_end.wait(30)

    worker = threading.Thread(target=wait)
    worker.start()
    assert waits.wait(30)
    assert work.hold(10)
    may_end.set()
    worker.join(0.05)
    assert worker.is_alive(), "it went back to work during the fork"
    work.let_go()
    worker.join(30)
    assert not worker.is_alive()


def test_work_that_forks_itself_does_not_wait_for_itself() -> None:
    work = forking.Work()
    with work:
        assert work.hold(10)
        work.let_go()
    assert work.hold(0.05)
    work.let_go()
