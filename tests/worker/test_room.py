"""Room: bounded per endpoint and in all, so that a hung endpoint can fill neither the process nor its threads."""

from concurrent.futures import Future, ThreadPoolExecutor

from tests.waiting import wait_until
from worker.gates import Gates
from worker.room import NO_ROOM, Room


def room(*, total: int = 10, per_endpoint: int = 6, waiters_allowed: int = 1, gates: Gates | None = None) -> Room:
    return Room(total=total, per_endpoint=per_endpoint, waiters_allowed=waiters_allowed, gates=gates or Gates())


def waiting(pool: ThreadPoolExecutor, one: Room, endpoint: str, places: int, gates: Gates) -> "Future[bool]":
    """A thread that waits for room; returns when it does."""
    entering = pool.submit(one.enter, endpoint, places)
    wait_until(lambda: entering.done() or not gates.is_open(f"classify.{endpoint}"))
    assert not entering.done()
    return entering


def test_what_fits_comes_in_at_once_and_gives_its_places_back() -> None:
    one = room()
    assert one.enter("a", 6)
    assert one.enter("b", 4)
    assert one.inside == 10
    one.leave("a", 6)
    one.leave("b", 4)
    assert one.wait_until_empty(timeout_seconds=0)


def test_an_endpoint_that_has_its_share_waits_while_another_comes_in() -> None:
    gates = Gates()
    one = room(gates=gates)
    one.enter("hung", 6)
    with ThreadPoolExecutor(1) as pool:
        entering = waiting(pool, one, "hung", 1, gates)
        assert one.enter("other", 4)
        assert gates.is_open("classify.other")
        assert gates.closed() == {"classify.hung": {NO_ROOM}}
        one.leave("hung", 1)
        assert entering.result(timeout=10)
    assert gates.closed() == {}


def test_no_endpoint_comes_in_beyond_the_total() -> None:
    gates = Gates()
    one = room(gates=gates)
    one.enter("a", 6)
    one.enter("b", 3)
    with ThreadPoolExecutor(1) as pool:
        entering = waiting(pool, one, "c", 2, gates)
        one.leave("a", 1)
        assert entering.result(timeout=10)
    assert one.inside == 10


def test_a_queue_stays_open_until_as_many_threads_wait_as_are_allowed() -> None:
    gates = Gates()
    one = room(waiters_allowed=2, gates=gates)
    one.enter("a", 6)
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(one.enter, "a", 6)
        second = pool.submit(one.enter, "a", 6)
        wait_until(lambda: not gates.is_open("classify.a"))
        one.leave("a", 6)
        wait_until(lambda: first.done() or second.done())
        assert gates.is_open("classify.a")
        one.leave("a", 6)
        assert first.result(timeout=10)
        assert second.result(timeout=10)


def test_what_is_larger_than_the_whole_room_comes_in_when_it_is_empty() -> None:
    gates = Gates()
    one = room(gates=gates)
    one.enter("a", 1)
    with ThreadPoolExecutor(1) as pool:
        entering = waiting(pool, one, "a", 50, gates)
        one.leave("a", 1)
        assert entering.result(timeout=10)


def test_closing_turns_away_who_waits_and_who_comes() -> None:
    gates = Gates()
    one = room(gates=gates)
    one.enter("a", 6)
    with ThreadPoolExecutor(1) as pool:
        entering = waiting(pool, one, "a", 1, gates)
        one.close()
        assert entering.result(timeout=10) is False
    assert one.enter("b", 1) is False
    assert one.inside == 6
    assert gates.closed() == {}


def test_more_may_have_been_claimed_than_was_entered_for() -> None:
    one = room()
    one.enter("a", 2)
    one.leave("a", 2 - 5)
    assert one.inside == 5
