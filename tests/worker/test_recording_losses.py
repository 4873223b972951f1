"""What recording cannot write is kept for the operator, alone; what it can wait for, it waits for."""

import json
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import Engine, text

from tests.waiting import wait_until
from tests.worker.line_stage import NOW, batch, count, record, rows, wire
from worker import batches, errors, recording, replaying
from worker.gates import Gates
from worker.line import Line
from worker.outage import Stopping


def test_a_bad_generation_does_not_lose_its_neighbours(line: Line, engine: Engine) -> None:
    found = record(line, wire("1"), wire("2", cost_usd=-1), "zanzibar", None, wire("3"))
    assert {id_ for _, id_, _ in found.new} == {"1", "3"}
    assert rows(engine, "select source, queue, workspace, error from set_aside order by id") == [
        ("recording", "record", "acme", "cost_usd: Input should be greater than or equal to 0"),
        ("recording", "record", None, "generation: Input should be a valid dictionary or instance of Generation"),
        ("recording", "record", None, "generation: Input should be a valid dictionary or instance of Generation"),
    ]


def test_what_postgres_refuses_is_set_aside_alone(line: Line, engine: Engine) -> None:
    with engine.begin() as connection:
        connection.execute(text("alter table generations add constraint no_zanzibar check (model <> 'zanzibar')"))
    found = record(line, *[wire(str(number), model="zanzibar" if number == 5 else "m") for number in range(12)])
    assert len(found.new) == 11
    assert rows(engine, "select workspace, error from set_aside") == [("acme", "Postgres refused it: CheckViolation")]


def test_what_was_set_aside_can_be_recorded_once_it_is_mended(line: Line, engine: Engine) -> None:
    document = wire("1", turns=[["user", "größer 你好 \ud800", None, None]], latency_ms=-1)
    record(line, document)
    [body] = rows(engine, "select body from set_aside where octet_length(body) = size_bytes")
    again = replaying.to_batch(bytes(body))
    assert again == batch(document)
    assert len(record(line, {**document, "latency_ms": 1}).new) == 1


def test_a_large_generation_of_any_language_is_set_aside_whole(line: Line, engine: Engine) -> None:
    record(line, wire("1", turns=[["user", "你" * 5_000, None, None]] * 60, latency_ms=-1))
    assert rows(engine, "select octet_length(body) = size_bytes from set_aside") == [True]


def test_losses_that_hooks_report_are_counted_by_reason(line: Line, engine: Engine) -> None:
    record(line, dropped={"buffer_full": 3, "broker_full": 1, "closed": 0, "refused": -1, "rejected": "x"})
    record(line, wire("1"), dropped={"buffer_full": 4, "text_withheld": 2})
    record(line, dropped=["buffer_full"])
    assert rows(engine, "select reason, generations from losses order by 1") == [
        ("broker_full", 1),
        ("buffer_full", 7),
        ("text_withheld", 2),
    ]


def test_invented_reasons_are_counted_together_and_no_batch_reports_more_than_there_can_be(
    line: Line, engine: Engine
) -> None:
    record(line, dropped={"odd\x00\ud800": 2, "over_limit": 1, "\x1b[2J": 3})
    record(line, dropped={"buffer_full": 10**30, **{f"{number:04d}" + "x" * 100: 10**11 for number in range(1_000)}})
    assert rows(engine, "select reason, generations from losses order by 1") == [
        ("buffer_full", batches.LOST_AT_MOST),
        ("other", batches.LOST_AT_MOST + 6),
    ]


@pytest.mark.parametrize("message", [None, [], "text", {}, {"v": 2, "generations": []}, {"v": 1, "generations": {}}])
def test_a_message_that_is_no_batch_is_set_aside_whole(line: Line, engine: Engine, message: object) -> None:
    with pytest.raises(errors.InvalidRequestError, match="no batch of wire version 1"):
        recording.record(line.recorder, message)
    recording.record_or_set_aside(line.recorder, message)
    [(error, body)] = rows(engine, "select error, body from set_aside")
    assert "no batch of wire version 1" in error
    assert json.loads(bytes(body)) == message


def test_a_fault_of_our_own_loses_no_batch_and_quotes_none_of_it(line: Line, engine: Engine) -> None:
    with engine.begin() as connection:
        connection.execute(text("alter table workspaces alter keep_text_days drop not null"))
        connection.execute(text("insert into workspaces (id, keep_text_days) values ('acme', null)"))
    given = batch(wire("1"), wire("2"))
    recording.record_or_set_aside(line.recorder, given)
    [(error, body)] = rows(engine, "select error, body from set_aside")
    assert error == "Recording it failed with TypeError; replay it when that is mended."
    assert replaying.to_batch(bytes(body)) == given


def test_while_postgres_is_away_recording_waits_and_a_stop_leaves_the_batch(
    line: Line, gates: Gates, engine: Engine
) -> None:
    with engine.begin() as holder:
        holder.execute(text("lock table workspaces in access exclusive mode"))
        with ThreadPoolExecutor(1) as pool:
            waiting = pool.submit(recording.record_or_set_aside, line.recorder, batch(wire("1")), now=NOW)
            end_one_waiting(engine)
            wait_until(lambda: not gates.is_open("record") or waiting.done())
            assert not waiting.done()
            line.stop_claiming()
            with pytest.raises(Stopping):
                waiting.result(timeout=30)
    assert count(engine, "generations") + count(engine, "set_aside") == 0


def end_one_waiting(engine: Engine) -> None:
    """End the session that waits for a lock, as a restart of Postgres would."""
    wait_until(
        lambda: rows(
            engine,
            """
            select pg_terminate_backend(pid) from pg_stat_activity
            where wait_event_type = 'Lock' and datname = current_database()
            """,
        ),
        what="a session that waits for a lock",
    )
