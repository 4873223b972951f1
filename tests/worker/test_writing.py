"""The writer: what ended stands in Postgres a moment later, after an absence of it too, and one cannot hold others."""

from collections.abc import Iterator, Sequence
from uuid import uuid4

import pytest
from sqlalchemy import Engine, create_engine
from structlog.testing import capture_logs

from tests.waiting import wait_until
from tests.worker import asking, line_stage
from tests.worker.asking import call, tagged
from tests.worker.line_stage import NOW, count, record, rows, wire
from worker.embedded.postgres import Postgres
from worker.line import Line
from worker.store import engine as engines
from worker.store import migrations
from worker.store.claims import Claimed
from worker.store.outcomes import Ended
from worker.writing import Writer


class Written:
    """What the writer reported."""

    def __init__(self) -> None:
        self.ended: list[Ended] = []
        self.current: list[Ended] = []

    def __call__(self, batch: Sequence[Ended], current: Sequence[Ended]) -> None:
        self.ended += batch
        self.current += current


@pytest.fixture
def written() -> Written:
    return Written()


@pytest.fixture
def writer(engine: Engine, written: Written) -> Iterator[Writer]:
    writer = Writer(engine=engine, written=written)
    writer.start()
    yield writer
    writer.stop(10)


def claimed(line: Line, engine: Engine, generations: int) -> list[Claimed]:
    line_stage.classifier(engine)
    record(line, *[wire(str(number)) for number in range(generations)])
    return asking.claim(engine, [("acme", str(number), NOW) for number in range(generations)])


def test_everything_put_stands_in_postgres_when_the_writer_has_stopped(
    line: Line, engine: Engine, writer: Writer, written: Written
) -> None:
    for one in claimed(line, engine, 450):
        writer.put(Ended(claimed=one, outcome=tagged(department="legal")))
    assert writer.stop(30)
    assert len(written.ended) == len(written.current) == 450
    assert rows(engine, "select tags, count(*) from generations group by 1") == [({"department": "legal"}, 450)]


def test_one_outcome_that_cannot_be_written_does_not_hold_the_others(
    line: Line, engine: Engine, writer: Writer, written: Written
) -> None:
    some = claimed(line, engine, 20)
    unwritable = {
        3: call(latency_ms=float("nan")),
        11: call(tokens=10**40),
        17: call(model="\x00"),
        18: call("1", model=b"x"),
    }
    for number, one in enumerate(some):
        writer.put(Ended(claimed=one, outcome=tagged(department="legal"), call=unwritable.get(number)))
    assert writer.stop(30)
    assert len(written.ended) == 20
    assert len(written.current) == 16
    assert rows(engine, "select state, count(*) from classifications group by 1 order by 1") == [
        ("running", 4),
        ("tagged", 16),
    ]


def test_an_outcome_waits_for_a_connection_when_all_of_the_pool_are_taken(
    line: Line, engine: Engine, written: Written
) -> None:
    some = claimed(line, engine, 2)
    narrow = create_engine(engine.url, pool_size=1, max_overflow=0, pool_timeout=0.05)
    writer = Writer(engine=narrow, written=written)
    writer.start()
    with narrow.connect(), capture_logs() as logged:
        for one in some:
            writer.put(Ended(claimed=one, outcome=tagged(department="legal")))
        wait_until(lambda: [entry for entry in logged if entry["event"] == "outcomes wait for Postgres"])
        assert written.ended == []
    wait_until(lambda: len(written.current) == 2)
    assert writer.stop(10)
    narrow.dispose()


def test_a_writer_whose_thread_broke_says_so(line: Line, engine: Engine) -> None:
    def fail(batch: Sequence[Ended], current: Sequence[Ended]) -> None:
        raise KeyError("secret")

    broken: list[BaseException] = []
    writer = Writer(engine=engine, written=fail, broken=broken.append)
    writer.start()
    for one in claimed(line, engine, 1):
        writer.put(Ended(claimed=one, outcome=tagged(department="legal")))
    wait_until(lambda: broken)
    assert isinstance(broken[0], KeyError)
    writer.stop(10)


def test_a_late_outcome_is_reported_as_such(line: Line, engine: Engine, writer: Writer, written: Written) -> None:
    [one] = claimed(line, engine, 1)
    asking.end_leases(engine)
    writer.put(Ended(claimed=one, outcome=tagged(department="late")))
    assert writer.stop(30)
    assert (len(written.ended), written.current) == (1, [])


def test_what_cannot_be_written_while_postgres_is_away_is_written_when_it_is_back(own_postgres: Postgres) -> None:
    migrations.upgrade(own_postgres.url)
    engine, written = engines.connect(own_postgres.url), Written()
    writer = Writer(engine=engine, written=written)
    with line_stage.open_line(engine) as staged:
        some = claimed(staged.line, engine, 3)
        own_postgres.stop()
        writer.start()
        with capture_logs() as logged:
            for one in some:
                writer.put(Ended(claimed=one, outcome=tagged(department="legal")))
            wait_until(lambda: [entry for entry in logged if entry["event"] == "outcomes wait for Postgres"])
        assert written.ended == []
        own_postgres.start()
        wait_until(lambda: len(written.current) == 3)
        assert count(engine, "generations") == 3
        assert writer.stop(10)
    engine.dispose()


def test_a_writer_that_is_stopped_while_postgres_is_away_says_what_it_could_not_write(own_postgres: Postgres) -> None:
    engine, written = engines.connect(own_postgres.url), Written()
    own_postgres.stop()
    writer = Writer(engine=engine, written=written)
    writer.start()
    one = Claimed(
        key=("acme", "1", NOW),
        classifier_id=uuid4(),
        version=1,
        endpoint="local",
        token=uuid4(),
        attempts=0,
        second_tries=0,
        change=None,
        seconds_since_first_attempt=0,
        turns=[],
        tools=[],
    )
    writer.put(Ended(claimed=one, outcome=tagged(a="b")))
    assert writer.stop(1) is False
    assert written.ended == []
    engine.dispose()
