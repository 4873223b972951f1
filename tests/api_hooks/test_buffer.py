import threading
from collections import Counter

from api_hooks.buffer import Buffer
from api_hooks.losses import Losses
from api_hooks.signals import Signal


def buffer(
    losses: Counter[str] | None = None, *, most: int = 3, most_bytes: int = 1_000, drops_oldest: bool = False
) -> Buffer:
    lost: Counter[str] = Counter() if losses is None else losses
    return Buffer(
        most_generations=most,
        most_bytes=most_bytes,
        drops_oldest=drops_oldest,
        wake=lambda: None,
        on_loss=lambda reason: lost.update([reason]),
    )


def contents(full: Buffer) -> list[object]:
    return list(iter(full.take, None))


def test_a_full_buffer_drops_the_newest_and_counts_it() -> None:
    losses: Counter[str] = Counter()
    full = buffer(losses)
    assert [full.put(number, 1) for number in range(1, 6)] == [True, True, True, False, False]
    assert contents(full) == [1, 2, 3]
    assert losses == {"buffer_full": 2}


def test_a_full_buffer_drops_the_oldest_where_that_is_wanted() -> None:
    losses: Counter[str] = Counter()
    full = buffer(losses, drops_oldest=True)
    assert all(full.put(number, 1) for number in range(1, 6))
    assert contents(full) == [3, 4, 5]
    assert losses == {"buffer_full": 2}


def test_bytes_are_bounded_too_and_given_back() -> None:
    losses: Counter[str] = Counter()
    full = buffer(losses)
    assert full.put("a", 600)
    assert not full.put("b", 600)
    assert full.take() == "a"
    assert full.bytes == 0
    assert full.put("b", 600)


def test_dropping_the_oldest_makes_room_in_bytes() -> None:
    full = buffer(drops_oldest=True)
    assert full.put("a", 400)
    assert full.put("b", 400)
    assert full.put("c", 900)
    assert contents(full) == ["c"]


def test_what_is_larger_than_the_whole_buffer_is_dropped_and_drops_nothing_else() -> None:
    losses: Counter[str] = Counter()
    full = buffer(losses, drops_oldest=True)
    assert full.put("a", 1_000)
    assert not full.put("b", 1_001)
    assert contents(full) == ["a"]
    assert losses == {"too_large": 1}


def test_the_sending_thread_is_woken_by_the_first_and_when_half_is_full() -> None:
    woken: list[int] = []
    half = Buffer(
        most_generations=6,
        most_bytes=10**6,
        drops_oldest=False,
        wake=lambda: woken.append(len(half)),
        on_loss=lambda _: None,
    )
    for number in range(1, 7):
        half.put(number, 1)
    assert woken == [1, 3]


def test_threads_that_put_at_once_lose_no_count() -> None:
    shared = buffer(most=100_000, most_bytes=10**9)
    threads = [threading.Thread(target=lambda: [shared.put("x", 3) for _ in range(2_000)]) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(shared), shared.bytes, shared.entered) == (16_000, 48_000, 16_000)


def test_a_put_from_inside_a_put_does_not_deadlock() -> None:
    inner: list[bool] = []
    outer = Buffer(
        most_generations=10,
        most_bytes=100,
        drops_oldest=False,
        # As a finalizer or a signal handler would, while the lock is held.
        wake=lambda: inner.append(outer.put("inner", 1)) if not inner else None,
        on_loss=lambda _: None,
    )
    assert outer.put("outer", 1)
    assert contents(outer) == ["outer", "inner"]


def test_a_signal_set_twice_wakes_once() -> None:
    signal = Signal()
    signal.set()
    signal.set()
    assert signal.wait(0)
    assert not signal.wait(0)


def test_losses_are_handed_over_once_and_can_be_given_back() -> None:
    losses = Losses()
    losses.count("buffer_full", 3)
    taken = losses.take_unsent()
    assert (taken, losses.take_unsent()) == ({"buffer_full": 3}, {})
    losses.give_back(taken)
    losses.count("buffer_full")
    assert losses.take_unsent() == {"buffer_full": 4}
    assert losses.total() == {"buffer_full": 4}
