"""Many requests' generations in one transaction, and each request hears of its own."""

import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, wait
from contextlib import contextmanager
from datetime import timedelta

import pytest
from sqlalchemy import Engine, event

from console.server import recorders
from console.server.recorders import FullError, Outcome, Recorders
from tests.worker.line_stage import NOW, count, wire
from worker import generation
from worker.generation import Generation
from worker.metrics import Metrics
from worker.outage import Impatience
from worker.recorder import Recorder
from worker.setting_aside import Rejected
from worker.store import engine as engines


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    with engines.connecting(database_url) as engine:
        yield engine


@contextmanager
def recording(engine: Engine, *, threads: int = 1, waits: bool = True) -> Iterator[Recorders]:
    """Recorders that begin when the block has ended, unless they do not wait."""
    made = Recorders(
        Recorder(
            engine=engine,
            past=timedelta(days=1),
            patience=Impatience(),
            ring=lambda endpoint, keys: None,
            has_room=lambda endpoint: False,
            metrics=Metrics(),
        ),
        threads=threads,
    )
    if not waits:
        made.start()
    yield made
    if waits:
        made.start()
    made.stop(within_seconds=30)


def some(prefix: str, number: int, **fields: object) -> list[Generation]:
    return [
        generation.read(wire(f"{prefix}{place}", **fields), now=NOW, past=timedelta(days=1)) for place in range(number)
    ]


def outcomes(*put: "Future[list[Outcome]]") -> list[list[Outcome]]:
    wait(put, timeout=30)
    return [one.result(0) for one in put]


def test_what_waits_goes_into_one_transaction(engine: Engine) -> None:
    commits: list[int] = []
    event.listen(engine, "commit", lambda _: commits.append(1))
    with recording(engine) as made:
        put = [made.put(some(str(number), 1)) for number in range(60)]
    assert outcomes(*put) == [["recorded"]] * 60
    assert count(engine, "generations") == 60
    assert len(commits) <= 3  # the day is made in one of its own


def test_a_small_request_does_not_wait_for_the_end_of_a_large_one(engine: Engine) -> None:
    ended: list[str] = []
    with recording(engine) as made:
        large, small = made.put(some("l", 1_000)), made.put(some("s", 1))
        large.add_done_callback(lambda _: ended.append("large"))
        small.add_done_callback(lambda _: ended.append("small"))
    assert [len(one) for one in outcomes(large, small)] == [1_000, 1]
    assert ended == ["small", "large"]


def test_the_same_id_in_two_requests_of_one_transaction_is_recorded_once(engine: Engine) -> None:
    with recording(engine) as made:
        first, second = made.put(some("x", 2)), made.put([*some("x", 1), *some("y", 1)])
    assert outcomes(first, second) == [["recorded", "recorded"], ["known", "recorded"]]


def test_what_postgres_refuses_is_told_to_its_own_request_alone(engine: Engine) -> None:
    [bad] = some("bad", 1)
    bad = bad.model_copy(update={"metadata": {"a": "\x00"}})  # past the check, as a mistake of ours would be
    with recording(engine) as made:
        refused, fine = made.put([bad]), made.put(some("fine", 3))
    [[outcome], others] = outcomes(refused, fine)
    assert isinstance(outcome, Rejected)
    assert outcome.error.startswith("Postgres refused it: ")
    assert others == ["recorded"] * 3


def test_a_request_that_has_gone_is_not_recorded_unless_it_has_begun(engine: Engine) -> None:
    with recording(engine) as made:
        gone, stays = made.put(some("gone", 1)), made.put(some("stays", 1))
        assert gone.cancel()
    assert outcomes(stays) == [["recorded"]]
    assert count(engine, "generations") == 1


def test_when_as_much_waits_as_may_the_next_is_told(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recorders, "WAITING_AT_MOST", 10)
    with recording(engine) as made:
        put = made.put(some("a", 10))
        with pytest.raises(FullError):
            made.put(some("b", 1))
        assert made.put([]).result(0) == []
    assert outcomes(put) == [["recorded"] * 10]


def test_several_threads_record_everything_once(engine: Engine) -> None:
    put: list[Future[list[Outcome]]] = []
    lock = threading.Lock()

    def send(part: Sequence[Generation], made: Recorders) -> None:
        for one in part:
            future = made.put([one])
            with lock:
                put.append(future)

    with recording(engine, threads=4, waits=False) as made:
        senders = [threading.Thread(target=send, args=(some("t", 100), made)) for _ in range(4)]
        for sender in senders:
            sender.start()
        for sender in senders:
            sender.join(30)
        found = [outcome for [outcome] in outcomes(*put)]
    assert (found.count("recorded"), found.count("known")) == (100, 300)
