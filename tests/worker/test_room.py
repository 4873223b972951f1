"""Room: bounded per endpoint and in all, so that a hung endpoint can fill neither the process nor its threads."""

from concurrent.futures import Future, ThreadPoolExecutor

from tests.waiting import wait_until
from worker.gates import Gates
from worker.line import KEPT_PER_ENDPOINT
from worker.recording import IDS_PER_BELL
from worker.room import NO_ROOM, Room


def room(
    *,
    total: int = 10,
    per_endpoint: int = 6,
    kept: int = 0,
    waiters_allowed: int = 1,
    waiters_in_all: int = 8,
    gates: Gates | None = None,
    fewer: dict[str, int] | None = None,
) -> Room:
    return Room(
        total=total,
        per_endpoint=per_endpoint,
        kept=kept,
        waiters_allowed=waiters_allowed,
        waiters_in_all=waiters_in_all,
        gates=gates or Gates(),
        fewer=fewer,
    )


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


def test_two_hung_endpoints_leave_a_third_a_bell_of_room() -> None:
    one = room(total=12, kept=2)
    assert one.enter("hung", 6)
    assert one.enter("stuck", 6)
    assert one.enter("third", 2)
    assert one.enter("third", 1, wait=False) is False
    one.leave("third", 1)
    assert one.enter("third", 1, wait=False)


def test_when_many_wait_in_all_every_awaited_queue_is_closed_and_the_next_is_turned_away() -> None:
    gates = Gates()
    one = room(waiters_allowed=4, waiters_in_all=2, gates=gates)
    one.enter("a", 6)
    one.enter("b", 4)
    with ThreadPoolExecutor(2) as pool:
        first, second = pool.submit(one.enter, "a", 1), pool.submit(one.enter, "b", 2)
        wait_until(lambda: gates.closed() == {"classify.a": {NO_ROOM}, "classify.b": {NO_ROOM}})
        assert one.enter("c", 1) is False
        assert gates.closed().keys() == {"classify.a", "classify.b", "classify.c"}
        one.leave("a", 1)
        assert first.result(timeout=10)
        wait_until(lambda: gates.closed() == {})
        one.leave("b", 2)
        one.leave("a", 2)
        assert second.result(timeout=10)
    assert gates.closed() == {}


def test_a_queue_that_was_turned_away_opens_as_soon_as_it_has_room_whoever_else_hangs() -> None:
    gates = Gates()
    one = room(waiters_in_all=1, gates=gates)
    one.enter("hung", 6)
    one.enter("other", 4)
    with ThreadPoolExecutor(1) as pool:
        entering = waiting(pool, one, "hung", 1, gates)
        assert one.enter("other", 1) is False
        one.leave("other", 1)
        assert gates.closed() == {"classify.hung": {NO_ROOM}}
        one.close()
        assert entering.result(timeout=10) is False


def test_the_room_kept_for_each_endpoint_is_a_bells_worth() -> None:
    assert KEPT_PER_ENDPOINT == IDS_PER_BELL


def test_an_endpoint_with_less_room_gets_no_more_than_that() -> None:
    one = room(fewer={"few": 2})
    assert one.enter("few", 2)
    assert not one.enter("few", 1, wait=False)
    assert one.enter("a", 6)
