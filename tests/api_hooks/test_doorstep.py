"""Calls are left for the sending thread while it attends to them; else, and beyond a number, whoever leaves them takes in."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from api_hooks.doorstep import AT_MOST, Doorstep
from api_hooks.line import Line
from tests.api_hooks.senders import put
from tests.waiting import wait_until


@contextmanager
def a_thread(work: Callable[[], object]) -> Iterator[threading.Thread]:
    thread = threading.Thread(target=work)
    thread.start()
    yield thread
    thread.join(10)
    assert not thread.is_alive()


def test_where_nobody_attends_it_is_looked_at_at_once_by_whoever_leaves_it() -> None:
    threads: list[int] = []
    Doorstep().leave(lambda: threads.append(threading.get_ident()))
    assert threads == [threading.get_ident()]


def test_what_is_left_is_taken_in_in_its_order_at_the_latest_when_nobody_attends_any_more() -> None:
    doorstep = Doorstep()
    seen: list[object] = []
    with doorstep.attended():
        for number in range(3):
            doorstep.leave(seen.append, number)
        assert (seen, len(doorstep)) == ([], 3)
        doorstep.take_in()
        assert (seen, len(doorstep)) == ([0, 1, 2], 0)
        doorstep.leave(seen.append, "at the end")
    assert seen == [0, 1, 2, "at the end"]


def test_whoever_leaves_one_too_many_takes_in_the_oldest() -> None:
    doorstep = Doorstep()
    seen: list[int] = []
    with doorstep.attended():
        for number in range(AT_MOST + 3):
            doorstep.leave(seen.append, number)
        assert (seen, len(doorstep)) == ([0, 1, 2], AT_MOST)


def test_taking_in_waits_for_what_another_thread_is_looking_at() -> None:
    doorstep = Doorstep()
    is_looking, may_go_on, is_taken_in = threading.Event(), threading.Event(), threading.Event()

    def look() -> None:
        is_looking.set()
        assert may_go_on.wait(10)

    def take_in() -> None:
        doorstep.take_in()
        is_taken_in.set()

    with a_thread(lambda: doorstep.leave(look)):
        assert is_looking.wait(10)
        with a_thread(take_in):
            assert not is_taken_in.wait(0.05)
            may_go_on.set()
            assert is_taken_in.wait(10)


def test_what_is_looked_at_may_leave_another_as_a_finalizer_does() -> None:
    doorstep = Doorstep()
    seen: list[str] = []
    doorstep.leave(lambda: doorstep.leave(seen.append, "from inside"))
    assert seen == ["from inside"]


def test_it_is_busy_for_a_second_after_a_call() -> None:
    now = 100.0
    doorstep = Doorstep(clock=lambda: now)
    assert not doorstep.is_busy
    doorstep.leave(lambda: None)
    now = 100.9
    assert doorstep.is_busy
    now = 101.1
    assert not doorstep.is_busy


def test_once_calls_come_the_sending_thread_takes_them_in_and_later_lets_callers_do_it_again(
    line_to: Callable[..., Line],
) -> None:
    line = line_to(flush_seconds=60.0)
    threads: list[str] = []

    def look() -> None:
        threads.append(threading.current_thread().name)
        put(line)

    line.doorstep.leave(look)
    wait_until(lambda: line.doorstep.is_attended)
    line.doorstep.leave(look)
    wait_until(lambda: len(threads) == 2)
    wait_until(lambda: not line.doorstep.is_busy and not line.doorstep.is_attended)
    line.doorstep.leave(look)
    assert threads == ["MainThread", "aftertag-hook", "MainThread"]


def test_flush_close_and_stats_know_what_is_left(line_to: Callable[..., Line]) -> None:
    for finish in (lambda line: line.flush(5), lambda line: line.close(5), lambda line: line.stats().accepted == 2):
        line = line_to()

        def look(line: Line = line) -> None:
            put(line)

        line.doorstep.leave(look)
        with line.doorstep.attended():
            line.doorstep.leave(look)
            assert finish(line)
            assert line.stats().accepted == 2
