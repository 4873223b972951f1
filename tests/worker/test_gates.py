"""Gates: which queues a process consumes from at the moment."""

from worker.gates import Gates


def test_a_queue_nobody_closed_is_open() -> None:
    assert Gates().is_open("record")


def test_a_closed_queue_leaves_the_others_open() -> None:
    gates = Gates()
    gates.close("classify.a", because="no room")
    assert not gates.is_open("classify.a")
    assert gates.is_open("classify.b")


def test_a_queue_opens_when_its_last_reason_is_taken_back() -> None:
    gates = Gates()
    gates.close("classify.a", because="no room")
    gates.close_all(because="postgres away")
    gates.open_all(because="postgres away")
    assert gates.is_open("record")
    assert not gates.is_open("classify.a")
    gates.open("classify.a", because="no room")
    assert gates.is_open("classify.a")


def test_closing_twice_for_one_reason_is_closing_once() -> None:
    gates = Gates()
    gates.close("record", because="no room")
    gates.close("record", because="no room")
    gates.open("record", because="no room")
    assert gates.is_open("record")


def test_opening_wakes_the_consumer_and_closing_does_not() -> None:
    gates, woken = Gates(), []
    gates.wake_with(lambda: woken.append(dict(gates.closed())))
    gates.close("record", because="no room")
    assert woken == []
    gates.open("record", because="no room")
    assert woken == [{}]


def test_why_a_queue_is_closed_can_be_read() -> None:
    gates = Gates()
    gates.close("record", because="no room")
    gates.close_all(because="postgres away")
    assert gates.closed() == {"record": {"no room"}, "*": {"postgres away"}}
