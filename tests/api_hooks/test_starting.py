"""How the sending thread begins: once, and not at all where there are no threads left."""

import contextlib
import os
import subprocess
import sys
import threading
from collections.abc import Iterator

import pytest

import api_hooks
from api_hooks.line import Line
from api_hooks.settings import Settings
from tests.api_hooks.senders import KeepingSender


@pytest.fixture
def impatient_switching() -> Iterator[None]:
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


def test_many_threads_that_enqueue_first_at_once_start_one_thread(impatient_switching: None) -> None:
    for _ in range(30):
        starts: list[int] = []
        sender = KeepingSender()
        settings = Settings(url="redis://unused", workspace="w", flush_seconds=0.01)
        line = Line(settings, sender=sender, on_start=lambda seen=starts: seen.append(1))  # type: ignore[misc]
        together = threading.Barrier(8)

        def first(line: Line = line, together: threading.Barrier = together) -> None:
            together.wait(30)
            line.put("x", None, {"workspace": None, "app": None})

        threads = [threading.Thread(target=first) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
        assert line.close(30)
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


def test_the_first_generation_is_taken_while_another_thread_imports_celery() -> None:
    half_a_module = "import sys, types; sys.modules['celery.signals'] = types.ModuleType('celery.signals'); "
    code = half_a_module + "import api_hooks; assert api_hooks.enqueue('x', workspace='acme'); api_hooks.close(0)"
    environ = {**os.environ, "AFTERTAG_URL": "redis://127.0.0.1:1/0"}
    subprocess.run([sys.executable, "-c", code], env=environ, check=True)
