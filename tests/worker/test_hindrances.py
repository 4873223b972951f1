"""A statement that Postgres cancels is refused, one that others are in the way of is tried again: neither is an outage."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from sqlalchemy import Engine, text
from structlog.testing import capture_logs

from tests.waiting import wait_until
from tests.worker import asking, line_stage
from tests.worker.asking import tagged
from tests.worker.line_stage import NOW, count, record, rows, wire
from worker.gates import Gates
from worker.line import Line
from worker.store import engine as engines
from worker.store.connecting import DatabaseError
from worker.store.outcomes import Ended
from worker.writing import Writer

IN_THE_WAY = ["40001", "40P01", "55P03", "53200"]
WRITE = text("update workspaces set keep_text_days = 1 where id = :id")


@pytest.fixture
def acme(engine: Engine) -> None:
    """Two workspaces, which steps write to."""
    with engine.begin() as connection:
        connection.execute(text("insert into workspaces (id) values ('acme'), ('beta')"))


def touch(engine: Engine, tried: list[int], setting: str) -> Callable[[], str]:
    """A step that writes to acme under `setting`, and notes each try."""

    def step() -> str:
        tried.append(len(tried))
        with engine.begin() as connection:
            connection.execute(text(f"set local {setting}"))
            connection.execute(WRITE, {"id": "acme"})
        return "done"

    return step


def refuse(engine: Engine, table: str, sqlstate: str, *, when: str = "true", times: int = 1_000) -> None:
    """Have Postgres end the first `times` statements that write to `table`, `when` a new row is so, with `sqlstate`."""
    with engine.begin() as connection:
        connection.execute(text("create sequence refusals"))
        connection.execute(
            text(f"""
            create function refuse() returns trigger language plpgsql as $$ begin
                if {when} then
                    if nextval('refusals') <= {times} then
                        raise exception 'no' using errcode = '{sqlstate}';
                    end if;
                end if;
                return new;
            end $$
            """)
        )
        connection.execute(
            text(f"create trigger refuse before insert or update on {table} for each row execute function refuse()")
        )


@pytest.mark.usefixtures("acme")
def test_a_statement_that_runs_out_of_time_is_refused_at_once(line: Line, gates: Gates, engine: Engine) -> None:
    tried: list[int] = []
    with engine.begin() as holder:
        holder.execute(text("select from workspaces for update"))
        with pytest.raises(DatabaseError, match="statement timeout") as caught:
            line.outage.outlast(touch(engine, tried, "statement_timeout = '50ms'"))
    assert len(tried) == 1
    assert gates.closed() == {}
    assert not engines.is_outage(caught.value)


@pytest.mark.usefixtures("acme")
def test_what_another_holds_is_tried_again_until_it_is_free(line: Line, gates: Gates, engine: Engine) -> None:
    tried: list[int] = []
    with ThreadPoolExecutor(1) as pool:
        with engine.begin() as holder:
            holder.execute(text("select from workspaces for update"))
            waiting = pool.submit(line.outage.outlast, touch(engine, tried, "lock_timeout = '10ms'"))
            wait_until(lambda: len(tried) > 2 or waiting.done())
            assert not waiting.done()
            assert gates.closed() == {}
        assert waiting.result(timeout=30) == "done"


@pytest.mark.usefixtures("acme")
def test_what_another_never_lets_go_of_is_refused_in_the_end(line: Line, engine: Engine) -> None:
    tried: list[int] = []
    with engine.begin() as holder:
        holder.execute(text("select from workspaces for update"))
        with pytest.raises(DatabaseError, match="lock timeout"):
            line.outage.outlast(touch(engine, tried, "lock_timeout = '10ms'"))
    assert len(tried) == 1 + len(engines.PAUSES_SECONDS)


@pytest.mark.usefixtures("acme")
def test_both_of_a_deadlock_pass_and_no_queue_closes(line: Line, gates: Gates, engine: Engine) -> None:
    both_hold_one = Barrier(2)
    tried: list[str] = []

    def cross(first: str, second: str) -> str:
        tried.append(first)
        with engine.begin() as connection:
            connection.execute(WRITE, {"id": first})
            if len(tried) <= 2:
                both_hold_one.wait(timeout=30)
            assert gates.closed() == {}
            connection.execute(WRITE, {"id": second})
        return first

    with ThreadPoolExecutor(2) as pool:
        one = pool.submit(line.outage.outlast, lambda: cross("acme", "beta"))
        other = pool.submit(line.outage.outlast, lambda: cross("beta", "acme"))
        assert (one.result(timeout=30), other.result(timeout=30)) == ("acme", "beta")
    assert len(tried) > 2


def test_a_generation_whose_statement_is_always_cancelled_is_set_aside_alone(
    line: Line, gates: Gates, engine: Engine
) -> None:
    refuse(engine, "generations", "57014", when="new.id = '3'")
    assert len(record(line, *[wire(str(number)) for number in range(8)]).new) == 7
    assert rows(engine, "select error from set_aside") == ["Postgres refused it: QueryCanceled"]
    assert gates.closed() == {}


@pytest.mark.parametrize("sqlstate", IN_THE_WAY)
def test_a_batch_that_others_were_in_the_way_of_is_recorded(line: Line, engine: Engine, sqlstate: str) -> None:
    refuse(engine, "generations", sqlstate, times=2)
    assert len(record(line, wire("1"), wire("2")).new) == 2
    assert count(engine, "set_aside") == 0


@pytest.mark.parametrize(
    ("sqlstate", "told"),
    [
        ("53200", "Postgres has no lock left; raise max_locks_per_transaction, `aftertag doctor` says to what"),
        ("40P01", "others are in the way in Postgres; trying again"),
    ],
)
def test_it_is_told_whether_others_are_in_the_way_or_there_is_no_lock_left(
    line: Line, engine: Engine, sqlstate: str, told: str
) -> None:
    refuse(engine, "generations", sqlstate, times=1)
    with capture_logs() as logged:
        record(line, wire("1"))
    assert [entry["event"] for entry in logged] == [told]


@pytest.mark.parametrize("sqlstate", ["57014", "55P03"])
def test_setting_aside_goes_on_until_it_is_done(line: Line, engine: Engine, sqlstate: str) -> None:
    refuse(engine, "set_aside", sqlstate, times=2)
    record(line, "no generation")
    assert count(engine, "set_aside") == 1


@pytest.mark.parametrize(("sqlstate", "times", "written"), [("57014", 1_000, 7), ("53200", 2, 8)])
def test_an_outcome_is_written_when_others_are_out_of_the_way_and_cannot_hold_its_batch(
    line: Line, engine: Engine, sqlstate: str, times: int, written: int
) -> None:
    line_stage.classifier(engine)
    record(line, *[wire(str(number)) for number in range(8)])
    claimed = asking.claim(engine, [("acme", str(number), NOW) for number in range(8)])
    refuse(engine, "classifications", sqlstate, when="new.generation_id = '3'", times=times)
    current: list[Ended] = []
    writer = Writer(engine=engine, written=lambda batch, held: current.extend(held))
    writer.start()
    for one in claimed:
        writer.put(Ended(claimed=one, outcome=tagged(department="legal")))
    assert writer.stop(30)
    assert len(current) == written
