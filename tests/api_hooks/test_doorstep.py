"""Calls are left for the sending thread while it attends to them; else, and beyond a number, whoever leaves them takes in."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from api_hooks.doorstep import AT_MOST, MANY, Doorstep
from api_hooks.line import Line
from tests.api_hooks.senders import KeepingSender, put
from tests.waiting import wait_until


def doorstep(wake: Callable[[], None] = lambda: None) -> Doorstep:
    return Doorstep(wake=wake)


@contextmanager
def a_thread(work: Callable[[], object]) -> Iterator[threading.Thread]:
    thread = threading.Thread(target=work)
    thread.start()
    yield thread
    thread.join(30)
    assert not thread.is_alive()


def test_where_nobody_attends_it_is_looked_at_at_once_by_whoever_leaves_it() -> None:
    threads: list[int] = []
    doorstep().leave(lambda: threads.append(threading.get_ident()))
    assert threads == [threading.get_ident()]


def test_what_is_left_is_taken_in_in_its_order_at_the_latest_when_nobody_attends_any_more() -> None:
    step = doorstep()
    seen: list[object] = []
    with step.attended():
        for number in range(3):
            step.leave(seen.append, number)
        assert (seen, len(step)) == ([], 3)
        step.take_in()
        assert (seen, len(step)) == ([0, 1, 2], 0)
        step.leave(seen.append, "at the end")
    assert seen == [0, 1, 2, "at the end"]


def test_whoever_leaves_one_too_many_takes_in_the_oldest() -> None:
    step = doorstep()
    seen: list[int] = []
    with step.attended():
        for number in range(AT_MOST + 3):
            step.leave(seen.append, number)
        assert (seen, len(step)) == ([0, 1, 2], AT_MOST)


def test_taking_in_waits_for_what_another_thread_is_looking_at() -> None:
    step = doorstep()
    is_looking, may_go_on, is_taken_in = threading.Event(), threading.Event(), threading.Event()

    def look() -> None:
        is_looking.set()
        assert may_go_on.wait(30)

    def take_in() -> None:
        step.take_in()
        is_taken_in.set()

    with a_thread(lambda: step.leave(look)):
        assert is_looking.wait(30)
        with a_thread(take_in):
            assert not is_taken_in.wait(0.05)
            may_go_on.set()
            assert is_taken_in.wait(30)


def test_what_is_looked_at_may_leave_another_as_a_finalizer_does() -> None:
    step = doorstep()
    seen: list[str] = []
    step.leave(lambda: step.leave(seen.append, "from inside"))
    assert seen == ["from inside"]


def test_whoever_leaves_something_wakes_a_thread_that_sleeps_once_and_what_had_just_been_left_does_so_too() -> None:
    woken: list[str] = []
    seen: list[str] = []
    step = doorstep(wake=lambda: woken.append("woken"))
    with step.attended():
        step.leave(seen.append, "just before")
        assert woken == []
        with step.asleep():
            assert woken == ["woken"]
            step.leave(seen.append, "wakes it")
            step.leave(seen.append, "finds it woken")
            assert woken == ["woken"] * 2
        step.leave(seen.append, "when it is awake")
        assert (woken, seen) == (["woken"] * 2, [])
    assert seen == ["just before", "wakes it", "finds it woken", "when it is awake"]


def test_many_wake_the_thread() -> None:
    woken: list[str] = []
    step = doorstep(wake=lambda: woken.append("woken"))
    with step.attended():
        for _ in range(MANY):
            assert woken == []
            step.leave(lambda: None)
        step.leave(lambda: None)
        assert woken == ["woken"]


def test_after_the_first_call_the_sending_thread_takes_in_those_that_come_while_it_gathers_and_while_it_sleeps(
    line_to: Callable[..., Line],
) -> None:
    line = line_to(flush_seconds=0.1)
    threads: list[str] = []

    def look() -> None:
        threads.append(threading.current_thread().name)
        put(line)

    line.doorstep.leave(look)
    wait_until(lambda: line.doorstep._is_attended)
    line.doorstep.leave(look)
    wait_until(lambda: len(threads) == 2)
    wait_until(lambda: line.doorstep._is_asleep)
    line.doorstep.leave(look)
    wait_until(lambda: len(threads) == 3)
    assert threads == ["MainThread", "aftertag-hook", "aftertag-hook"]
    assert line.flush(30)


def test_while_calls_come_the_thread_does_not_fall_asleep_so_that_none_has_to_wake_it(
    line_to: Callable[..., Line], sender: KeepingSender
) -> None:
    line = line_to(flush_seconds=30)
    for number in range(20):
        line.doorstep.leave(put, line)
        assert line.flush(30)
        assert len(sender.bodies) == number + 1
        assert not line.doorstep._is_asleep


def test_while_the_thread_sends_callers_take_in_all_that_would_be_too_many(
    line_to: Callable[..., Line], sender: KeepingSender
) -> None:
    line = line_to()
    sender.may_send.clear()
    assert put(line)
    wait_until(lambda: sender.attempts == 1)
    threads: list[str] = []
    for _ in range(2 * AT_MOST):
        line.doorstep.leave(lambda: threads.append(threading.current_thread().name))
    assert threads == ["MainThread"] * AT_MOST
    sender.may_send.set()
    wait_until(lambda: len(threads) == 2 * AT_MOST)
    assert threads[AT_MOST:] == ["aftertag-hook"] * AT_MOST


def test_flush_close_and_stats_know_what_is_left(line_to: Callable[..., Line]) -> None:
    for finish in (lambda line: line.flush(30), lambda line: line.close(30), lambda line: line.stats().accepted == 2):
        line = line_to()

        def look(line: Line = line) -> None:
            put(line)

        line.doorstep.leave(look)
        with line.doorstep.attended():
            line.doorstep.leave(look)
            assert finish(line)
            assert line.stats().accepted == 2
