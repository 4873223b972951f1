"""Recording: once each however often delivered, nothing lost with its neighbours, nothing across workspaces."""

import json
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, timedelta
from threading import Barrier
from typing import Any

import pytest
from sqlalchemy import Engine, text

from classifier_models.marker import OWN_CALL_LINE
from tests.waiting import wait_until
from tests.worker import line_stage
from tests.worker.line_stage import NOW, Bells, batch, count, rows, wire
from worker import errors, recording, replaying
from worker.gates import Gates
from worker.line import Line
from worker.outage import Stopping
from worker.recording import Recorded
from worker.store import classifiers, partitions
from worker.store.recording import Key


def record(line: Line, *generations: object, **fields: Any) -> Recorded:
    return recording.record(line, batch(*generations, **fields), now=NOW)


def at_once(work: Callable[[int], Recorded], *, threads: int) -> list[Recorded]:
    """Run `work(0)`, `work(1)`, … in threads that begin together."""
    together = Barrier(threads)

    def begin(number: int) -> Recorded:
        together.wait(timeout=30)
        return work(number)

    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(begin, range(threads)))


def new_in(found: Sequence[Recorded]) -> int:
    return sum(len(one.new) for one in found)


def test_a_generation_is_recorded_with_its_text_and_its_classification_and_rung_for(
    line: Line, bells: Bells, engine: Engine
) -> None:
    asked = line_stage.classifier(engine)
    found = record(line, wire("1", model="m", cost_usd=0.25, usage={"prompt": 7}, user="u", metadata={"team": "red"}))
    key: Key = ("acme", "1", NOW)
    assert (found.new, found.known, found.rejected) == ({key}, 0, [])
    assert bells == [("local", key)]
    assert rows(engine, "select model, cost_usd::float8, prompt_tokens, user_id, metadata, tags from generations") == [
        ("m", 0.25, 7, "u", {"team": "red"}, {})
    ]
    assert rows(engine, "select turns ->> 0 from transcripts") == ['["user", "Why is the sky blue?", null, null]']
    assert rows(
        engine,
        "select classifier_id, version, state, reason, rate, draw < 1, due_at <= now(), rung_at is null from classifications",
    ) == [(asked.id, 1, "pending", None, 1.0, True, True, False)]


def test_a_workspace_that_is_not_there_is_made_and_its_generation_says_no_classifier(
    line: Line, bells: Bells, engine: Engine
) -> None:
    record(line, wire("1", workspace="new-one"))
    assert rows(engine, "select workspace, state, reason from classifications") == [
        ("new-one", "not_run", "no_classifier")
    ]
    assert rows(engine, "select id from workspaces") == ["new-one"]
    assert bells == []


def test_text_that_nobody_will_read_is_not_stored(line: Line, bells: Bells, engine: Engine) -> None:
    line_stage.classifier(engine, sampling_rate=0.0)
    record(line, wire("1"), wire("2", workspace="other"))
    assert rows(engine, "select reason from classifications order by 1") == ["no_classifier", "sampled_out"]
    assert (count(engine, "generations"), count(engine, "transcripts")) == (2, 0)
    assert bells == []


@pytest.mark.parametrize("kind", ["system", "user"])
def test_a_call_of_our_own_is_no_generation_and_is_never_classified(
    line: Line, bells: Bells, engine: Engine, kind: str
) -> None:
    line_stage.classifier(engine)
    own = wire("1", turns=[[kind, f"{OWN_CALL_LINE}\nPlace it.", None, None], ["user", "USER: hi", None, None]])
    record(line, own)
    assert record(line, own).new == set()
    assert rows(engine, "select state, reason from classifications") == [("not_run", "own_call")]
    assert (count(engine, "generations"), count(engine, "transcripts")) == (0, 0)
    assert bells == []


def test_a_given_id_is_recorded_once_within_48_hours(line: Line, engine: Engine) -> None:
    line_stage.classifier(engine)
    for hours in (-48, -47.9, 0, 1, 23):
        record(line, wire("1", created_at=NOW + timedelta(hours=hours)))
    assert rows(engine, "select created_at from generations order by 1") == [
        NOW - timedelta(hours=48),
        NOW + timedelta(hours=1),
    ]


def test_a_given_id_may_come_again_after_more_than_48_hours_also_in_one_batch(line: Line, engine: Engine) -> None:
    old = wire("1", created_at=NOW - timedelta(hours=100))
    assert len(record(line, old).new) == 1
    found = record(line, old, wire("1", created_at=NOW - timedelta(hours=50)), wire("1"), wire("1"))
    assert (len(found.new), found.known) == (2, 2)
    assert count(engine, "generations") == 3


def test_an_id_of_the_hooks_own_making_is_recorded_once_for_its_time(line: Line, engine: Engine) -> None:
    made = wire("1", id_given=False)
    assert len(record(line, made, made).new) == 1
    assert len(record(line, made).new) == 0
    assert len(record(line, wire("1", id_given=False, created_at=NOW - timedelta(hours=1))).new) == 1
    assert count(engine, "classifications") == 2


def test_many_threads_recording_the_same_200_given_ids_make_200_rows(line: Line, engine: Engine) -> None:
    line_stage.classifier(engine)
    ids = [str(number) for number in range(200)]

    def deliver(number: int) -> Recorded:
        ordered = ids if number % 2 else ids[::-1]
        delayed = timedelta(minutes=number)
        return record(line, *[wire(id_, created_at=NOW - delayed) for id_ in ordered])

    found = at_once(deliver, threads=8)
    assert new_in(found) == 200
    assert sum(one.known for one in found) == 7 * 200
    assert [count(engine, table) for table in ("generations", "transcripts", "classifications")] == [200] * 3


def test_batches_in_crossed_orders_and_across_workspaces_never_deadlock(line: Line, engine: Engine) -> None:
    ids = [(f"w{number % 5}", str(number)) for number in range(60)]

    def deliver(number: int) -> Recorded:
        ordered = ids[number * 7 :] + ids[: number * 7]
        return record(line, *[wire(id_, workspace=name, id_given=int(id_) % 2 == 0) for name, id_ in ordered])

    for _ in range(5):
        at_once(deliver, threads=6)
    assert count(engine, "generations") == 60
    assert count(engine, "set_aside") == 0


def test_a_batch_of_very_many_small_generations_stays_within_the_locks_of_postgres(line: Line, engine: Engine) -> None:
    assert len(record(line, *[wire(str(number), turns=[]) for number in range(9_000)]).new) == 9_000
    assert count(engine, "generations") == 9_000


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
    record(
        line, dropped={"buffer_full": 3, "broker_full": 1, "odd\x00\ud800": 2, "none": 0, "text": "x", "huge": 10**30}
    )
    record(line, wire("1"), dropped={"buffer_full": 4})
    record(line, dropped=["buffer_full"])
    assert rows(engine, "select reason, generations from losses order by 1") == [
        ("broker_full", 1),
        ("buffer_full", 7),
        ("odd\ufffd\ufffd", 2),
    ]


def test_a_flood_of_loss_reasons_is_cut(line: Line, engine: Engine) -> None:
    record(line, dropped={f"{number:04d}" + "x" * 100: 1 for number in range(1_000)})
    assert count(engine, "losses") == recording.MOST_LOSS_REASONS
    assert rows(engine, "select max(length(reason)) from losses") == [64]


@pytest.mark.parametrize("message", [None, [], "text", {}, {"v": 2, "generations": []}, {"v": 1, "generations": {}}])
def test_a_message_that_is_no_batch_is_set_aside_whole(line: Line, engine: Engine, message: object) -> None:
    with pytest.raises(errors.InvalidRequestError, match="no batch of wire version 1"):
        recording.record(line, message)
    recording.record_or_set_aside(line, message)
    [(error, body)] = rows(engine, "select error, body from set_aside")
    assert "no batch of wire version 1" in error
    assert json.loads(bytes(body)) == message


def test_a_fault_of_our_own_loses_no_batch_and_quotes_none_of_it(line: Line, engine: Engine) -> None:
    with engine.begin() as connection:
        connection.execute(text("insert into workspaces (id) values ('acme')"))
        classifier = connection.execute(
            text(
                "insert into classifiers (workspace, name, state, version) values ('acme', 'x', 'active', 1) returning id"
            )
        ).scalar_one()
        connection.execute(
            text("""
            insert into classifier_versions (classifier_id, version, definition, dimensions, endpoint)
            values (:id, 1, '{"of": "another release"}', '{}', 'local')
            """),
            {"id": classifier},
        )
    given = batch(wire("1"), wire("2"))
    recording.record_or_set_aside(line, given)
    [(error, body)] = rows(engine, "select error, body from set_aside")
    assert error == "Recording it failed with TaxonomyError; replay it when that is mended."
    assert replaying.to_batch(bytes(body)) == given


def test_a_day_that_is_missing_is_made(line: Line, engine: Engine) -> None:
    assert len(record(line, wire("1", created_at=NOW - timedelta(days=20))).new) == 1
    with engine.connect() as connection:
        assert (NOW - timedelta(days=20)).date() in partitions.existing_days(connection)


def test_a_day_that_upkeep_dropped_since_is_made_again(line: Line, engine: Engine) -> None:
    old = NOW - timedelta(days=20)
    record(line, wire("1", created_at=old))
    with engine.begin() as connection:
        for table in ("generations", "transcripts", "classifications"):
            connection.execute(text(f"drop table {partitions.name_of(table, old.date())}"))
    assert len(record(line, wire("2", created_at=old)).new) == 1
    assert count(engine, "set_aside") == 0


def test_several_threads_may_find_the_same_days_missing(line: Line, engine: Engine) -> None:
    def deliver(number: int) -> Recorded:
        times = [NOW - timedelta(days=age) for age in range(10)]
        return record(line, *[wire(f"{number} {time}", created_at=time) for time in times])

    assert new_in(at_once(deliver, threads=6)) == 60


def test_a_redelivery_after_a_classifier_was_activated_changes_nothing(
    line: Line, bells: Bells, engine: Engine
) -> None:
    given = [wire("1"), wire("2", id_given=False)]
    record(line, *given)
    line_stage.classifier(engine)
    assert record(line, *given).new == set()
    assert rows(engine, "select reason from classifications") == ["no_classifier"] * 2
    assert bells == []


def test_the_same_id_in_two_workspaces_is_two_generations_and_each_has_its_own_classifier(
    line: Line, bells: Bells, engine: Engine
) -> None:
    asked = {name: line_stage.classifier(engine, workspace=name).id for name in ("acme", "beta")}
    found = record(line, wire("1"), wire("1", workspace="beta"), wire("1", workspace="nobodys"))
    assert len(found.new) == 3
    assert rows(engine, "select workspace, classifier_id::text, reason from classifications order by 1") == [
        ("acme", str(asked["acme"]), None),
        ("beta", str(asked["beta"]), None),
        ("nobodys", "00000000-0000-0000-0000-000000000000", "no_classifier"),
    ]
    assert {workspace for _, (workspace, _, _) in bells} == {"acme", "beta"}


def test_two_classifiers_on_one_endpoint_ring_once_and_on_two_endpoints_twice(
    line: Line, bells: Bells, engine: Engine
) -> None:
    line_stage.classifier(engine, "one", dimension="a")
    line_stage.classifier(engine, "two", dimension="b")
    record(line, wire("1"))
    assert [endpoint for endpoint, _ in bells] == ["local"]
    line_stage.classifier(engine, "three", dimension="c", endpoint="elsewhere", model="m")
    bells.clear()
    record(line, wire("2"))
    assert sorted(endpoint for endpoint, _ in bells) == ["elsewhere", "local"]
    assert rows(engine, "select count(*) from classifications group by generation_id order by 1") == [2, 3]


def test_a_paused_classifier_leaves_its_reason(line: Line, bells: Bells, engine: Engine) -> None:
    line_stage.classifier(engine)
    with engine.begin() as connection:
        classifiers.pause(connection, "acme", "work")
    record(line, wire("1"))
    assert rows(engine, "select state, reason, rate from classifications") == [("not_run", "paused", 1.0)]
    assert bells == []


def test_while_postgres_is_away_recording_waits_and_a_stop_leaves_the_batch(
    line: Line, gates: Gates, engine: Engine
) -> None:
    with engine.begin() as holder:
        holder.execute(text("lock table workspaces in access exclusive mode"))
        with ThreadPoolExecutor(1) as pool:
            waiting = pool.submit(recording.record_or_set_aside, line, batch(wire("1")), now=NOW)
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


def test_times_come_back_in_utc(line: Line, engine: Engine) -> None:
    record(line, wire("1", created_at=NOW.isoformat().replace("+00:00", "Z")))
    [created_at] = rows(engine, "select created_at from generations")
    assert created_at == NOW
    assert created_at.tzinfo.utcoffset(created_at) == UTC.utcoffset(None)
