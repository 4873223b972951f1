"""The sending thread, on a sender that keeps, refuses and hangs."""

import threading
from collections.abc import Callable

from api_hooks import wire
from api_hooks.breaker import Breaker
from api_hooks.errors import BrokerFullError, SendError
from api_hooks.line import Line
from tests.api_hooks import hostile
from tests.api_hooks.senders import KeepingSender, put
from tests.waiting import wait_until

SECRET = "sentinel-7f3a"


def test_what_is_put_is_sent_in_order_and_in_one_batch(line_to: Callable[..., Line], sender: KeepingSender) -> None:
    line = line_to(flush_seconds=30, app="desk")
    assert all(put(line, f"message {number}") for number in range(5))
    assert line.flush(30)
    [batch] = sender.batches
    assert batch["v"] == 1
    assert [generation["turns"][0][1] for generation in batch["generations"]] == [f"message {n}" for n in range(5)]
    assert {(g["workspace"], g["app"]) for g in batch["generations"]} == {("acme", "desk")}
    assert "dropped" not in batch
    assert line.stats().sent == 5


def test_no_batch_exceeds_its_bytes_but_for_a_generation_that_is_larger_by_itself(
    line_to: Callable[..., Line], sender: KeepingSender
) -> None:
    line = line_to()
    large = [{"role": "user", "content": "x" * 5_000}] * 150
    for number in range(300):
        put(line, large if number == 100 else "y" * 4_900, id=str(number))
    assert line.flush(30)
    sizes = [len(body) for body in sender.bodies]
    alone = [body for body in sender.batches if len(body["generations"]) == 1]
    assert sorted(sizes)[-2] <= wire.BATCH_BYTES + 1_000
    assert [generation["id"] for batch in alone for generation in batch["generations"]] == ["100"]
    assert [generation["id"] for generation in sender.generations] == [str(number) for number in range(300)]


def test_what_comes_without_pause_is_sent_without_a_flush(line_to: Callable[..., Line], sender: KeepingSender) -> None:
    line = line_to()
    put(line, "first")
    wait_until(lambda: len(sender.generations) == 1)
    put(line, "second")
    wait_until(lambda: len(sender.generations) == 2)


def test_an_unmakeable_generation_is_counted_and_its_neighbours_are_sent(
    line_to: Callable[..., Line], sender: KeepingSender
) -> None:
    line = line_to()
    put(line, "before")
    put(line, "never", workspace="Not A Workspace")
    put(line, hostile.RaisesOnEverything())
    put(line, "after")
    assert line.flush(30)
    assert [g["turns"][0][1] for g in sender.generations] == ["before", wire.UNREADABLE, "after"]
    assert line.stats().dropped == {"bad_input": 1}


def test_a_batch_that_fails_is_sent_again_and_nothing_is_lost(
    line_to: Callable[..., Line], sender: KeepingSender
) -> None:
    sender.raises = SendError("ConnectionError")
    line = line_to()
    put(line, "one", id="1")
    wait_until(lambda: line.stats().is_failing)
    put(line, "two", id="2")
    assert not line.flush(0.1)
    assert line.stats().waiting == 2
    sender.raises = None
    assert line.flush(30)
    assert [generation["id"] for generation in sender.generations] == ["1", "2"]
    assert not line.stats().is_failing


def test_the_breaker_closes_by_itself(line_to: Callable[..., Line], sender: KeepingSender) -> None:
    sender.raises = SendError("ConnectionError")
    line = line_to()
    put(line)
    wait_until(lambda: sender.attempts >= 2)
    sender.raises = None
    wait_until(lambda: line.stats().sent == 1)


def test_while_sending_fails_the_buffer_stays_bounded(line_to: Callable[..., Line], sender: KeepingSender) -> None:
    sender.raises = SendError("ConnectionError")
    line = line_to(buffer_generations=10)
    put(line, "first")
    wait_until(lambda: line.stats().is_failing)
    accepted = [put(line, str(number)) for number in range(50)]
    assert sum(accepted) <= 11
    stats = line.stats()
    assert stats.dropped["buffer_full"] == accepted.count(False)
    assert stats.accepted == stats.sent + stats.waiting == 1 + accepted.count(True)


def test_a_sender_that_hangs_holds_up_no_caller(line_to: Callable[..., Line], sender: KeepingSender) -> None:
    sender.may_send.clear()
    line = line_to(buffer_generations=5)
    put(line)
    wait_until(lambda: sender.attempts == 1)
    assert [put(line) for _ in range(7)] == [True] * 5 + [False] * 2
    sender.may_send.set()
    assert line.flush(30)
    assert len(sender.generations) == 6


def test_past_the_brokers_cap_batches_are_dropped_and_counted(
    line_to: Callable[..., Line], sender: KeepingSender
) -> None:
    sender.raises = BrokerFullError("full")
    line = line_to(buffer_bytes=10_000)
    put(line, "x" * 20_000)
    put(line, "one")
    put(line, "two")
    assert line.flush(30)
    assert line.stats().dropped == {"too_large": 1, "broker_full": 2}
    sender.raises = None
    put(line, "three")
    assert line.flush(30)
    assert sender.batches[0]["dropped"] == {"too_large": 1, "broker_full": 2}


def test_closing_sends_what_waits_and_counts_what_comes_later(
    line_to: Callable[..., Line], sender: KeepingSender
) -> None:
    line = line_to(flush_seconds=30)
    put(line, "last")
    assert line.close(30)
    assert len(sender.generations) == 1
    assert not put(line, "too late")
    assert line.stats().dropped == {"closed": 1}
    thread = line.flusher.thread
    assert thread is not None
    thread.join(30)
    assert not thread.is_alive()


def test_a_line_that_was_closed_before_its_first_generation_starts_no_thread(line_to: Callable[..., Line]) -> None:
    line = line_to()
    assert line.close(30)
    assert not put(line, "too late")
    assert line.stats().dropped == {"closed": 1}
    assert (line.is_started, line.flusher.thread) == (False, None)


def test_what_cannot_be_sent_before_closing_is_counted(line_to: Callable[..., Line], sender: KeepingSender) -> None:
    sender.raises = SendError("ConnectionError")
    line = line_to()
    put(line)
    put(line)
    assert not line.close(0.1)
    wait_until(lambda: line.stats().dropped == {"closed": 2})


def test_a_flush_with_nothing_waiting_returns_at_once(line_to: Callable[..., Line]) -> None:
    line = line_to()
    assert line.flush(0)
    assert not line.is_started


def test_the_thread_outlives_whatever_the_sender_raises(line_to: Callable[..., Line], sender: KeepingSender) -> None:
    line = line_to()
    sender.raises = SystemExit()  # type: ignore[assignment]
    put(line)
    wait_until(lambda: line.stats().is_failing)
    sender.raises = None
    assert line.flush(30)
    assert len(sender.generations) == 1


def test_a_finalizer_that_enqueues_does_not_deadlock(line_to: Callable[..., Line], sender: KeepingSender) -> None:
    line = line_to(buffer_generations=1, when_full="drop_oldest", flush_seconds=5)

    class EnqueuesAtItsEnd:
        def __del__(self) -> None:
            put(line, "from a finalizer")

    put(line, [EnqueuesAtItsEnd()])
    enqueues = threading.Thread(target=put, args=(line, "next"), daemon=True)
    enqueues.start()
    enqueues.join(30)
    assert not enqueues.is_alive()
    assert line.flush(30)


def test_the_breaker_waits_longer_after_each_failure_up_to_its_longest() -> None:
    now = [100.0]
    breaker = Breaker(clock=lambda: now[0], first_seconds=1, longest_seconds=5)
    assert breaker.seconds_to_wait == 0
    waits = []
    for _ in range(5):
        breaker.failed()
        waits.append(breaker.seconds_to_wait)
    assert waits == [1, 2, 4, 5, 5]
    now[0] += 4
    assert breaker.seconds_to_wait == 1
    now[0] += 2
    assert (breaker.seconds_to_wait, breaker.is_failing) == (0, True)
    breaker.succeeded()
    assert not breaker.is_failing
    breaker.failed()
    assert breaker.seconds_to_wait == 1
