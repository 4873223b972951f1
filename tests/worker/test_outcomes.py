"""Outcomes into rows: only by who holds the claim, final when it says so, and tags where people read them."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Connection, Engine, text

from tests.worker import asking, line_stage
from tests.worker.asking import call, tagged
from tests.worker.line_stage import NOW, record, rows, wire
from tests.worker.meeting import wait_until_somebody_waits
from worker.line import Line
from worker.outcomes import Failed, Outcome, Retry, Skipped, Tagged, Waiting
from worker.store import outcomes, workspaces
from worker.store.claims import Claimed
from worker.store.outcomes import Ended
from worker.store.recording import Key

KEYS: list[Key] = [("acme", f"{number:03d}", NOW - timedelta(hours=12 * number)) for number in range(30)]


@pytest.fixture
def recorded(line: Line, engine: Engine) -> UUID:
    asked = line_stage.classifier(engine)
    record(line, *[wire(id_, created_at=created_at) for _, id_, created_at in KEYS])
    return asked.id


def states(engine: Engine) -> list[Any]:
    return rows(engine, "select state, reason, attempts from classifications where generation_id = '000'")


def tags(engine: Engine) -> Any:
    [found] = rows(engine, "select tags from generations where id = '000'")
    return found


def claim_first(engine: Engine) -> Claimed:
    [claimed] = asking.claim(engine, KEYS[:1])
    return claimed


def test_tags_stand_on_the_generation_and_on_the_classification(recorded: UUID, engine: Engine) -> None:
    answer = Tagged(tags={"department": "legal", "risk": ["pii", "secrets"]}, certainty={"department": 0.75})
    claimed = claim_first(engine)
    assert len(asking.write(engine, [claimed], answer, call("0.01"))) == 1
    assert tags(engine) == {"department": "legal", "risk": ["pii", "secrets"]}
    assert rows(
        engine,
        """
        select state, reason, tags, certainty, model, attempts, latency_ms, finished_at is not null, first_attempt_at
          is not null, claim_token, lease_until, due_at
        from classifications where generation_id = '000'
        """,
    ) == [
        (
            *(
                "tagged",
                None,
                {"department": "legal", "risk": ["pii", "secrets"]},
                {"department": 0.75},
                "m-1",
                1,
                12.5,
            ),
            *(True, True, None, None, None),
        )
    ]
    assert rows(engine, "select dimension, value from generation_tags order by 1, 2") == [
        ("department", "legal"),
        ("risk", "pii"),
        ("risk", "secrets"),
    ]
    assert rows(engine, "select count(*) from generations where tags = '{}'") == [29]


@pytest.mark.parametrize(
    ("outcome", "state", "reason", "is_due"),
    [
        (Failed(reason="refused"), "failed", "refused", None),
        (Skipped(reason="over_budget"), "not_run", "over_budget", None),
        (Retry(after_seconds=0), "retrying", None, True),
        (Retry(after_seconds=900), "retrying", None, False),
        (Waiting(reason="auth_failed", after_seconds=60), "pending", "auth_failed", False),
        (Waiting(reason=None, after_seconds=0), "pending", None, True),
    ],
)
def test_every_outcome_has_its_row(
    recorded: UUID, engine: Engine, outcome: Any, state: str, reason: str | None, is_due: bool | None
) -> None:
    asking.write(engine, [claim_first(engine)], outcome)
    assert rows(
        engine,
        """
        select state, reason, due_at <= now(), (finished_at is not null) = (due_at is null), claim_token
        from classifications where generation_id = '000'
        """,
    ) == [(state, reason, is_due, True, None)]
    assert tags(engine) == {}


def test_what_has_been_tried_stays_retrying_when_it_waits_for_its_endpoint(recorded: UUID, engine: Engine) -> None:
    asking.write(
        engine, [claim_first(engine)], Retry(after_seconds=0, change="shorter_transcript"), call(case="timeout")
    )
    asking.write(engine, [claim_first(engine)], Waiting(reason=None, after_seconds=0))
    assert states(engine) == [("retrying", None, 1)]
    assert claim_first(engine).change == "shorter_transcript"


def test_a_late_answer_is_dropped_and_its_cost_is_kept(recorded: UUID, engine: Engine) -> None:
    late = claim_first(engine)
    asking.end_leases(engine)
    current = claim_first(engine)
    assert asking.write(engine, [late], tagged(department="late"), call("0.50")) == []
    assert states(engine) == [("running", None, 1)]
    assert tags(engine) == {}
    asking.write(engine, [current], tagged(department="legal"), call("0.01"))
    assert tags(engine) == {"department": "legal"}
    assert rows(engine, "select cost_usd::float8, attempts from classifications where generation_id = '000'") == [
        (0.51, 2)
    ]
    assert rows(engine, "select classifier_id, cost_usd::float8, calls from classifier_spend") == [(recorded, 0.51, 2)]


@pytest.mark.parametrize("end", [tagged(department="legal"), Failed(reason="refused"), Skipped(reason="paused")])
def test_what_has_ended_never_changes_by_a_late_answer(recorded: UUID, engine: Engine, end: Any) -> None:
    late = claim_first(engine)
    asking.end_leases(engine)
    asking.write(engine, [claim_first(engine)], end, call("0.01", case="refused"))
    unchanged = """
        select state, reason, tags, certainty, model, last_case, finished_at, due_at, latency_ms, change, lost_leases
        from classifications where generation_id = '000'
    """
    before, tags_before = rows(engine, unchanged), tags(engine)
    for outcome in (tagged(department="late"), Failed(reason="timeout"), Retry(after_seconds=0), end):
        late_call = call("1", case="timeout", model="other", latency_ms=99.0)
        assert asking.write(engine, [late], outcome, late_call) == []
    assert (rows(engine, unchanged), tags(engine)) == (before, tags_before)
    assert asking.claim(engine, KEYS[:1]) == []
    assert asking.end_leases(engine) == 0


def test_an_answer_written_twice_counts_its_call_twice_and_its_tags_once(recorded: UUID, engine: Engine) -> None:
    claimed = claim_first(engine)
    assert len(asking.write(engine, [claimed], tagged(department="legal"), call("0.01"))) == 1
    assert asking.write(engine, [claimed], tagged(department="hr"), call("0.01")) == []
    assert tags(engine) == {"department": "legal"}


def test_a_mixed_batch_ends_each_in_its_own_way(recorded: UUID, engine: Engine) -> None:
    claimed = asking.claim(engine, KEYS)
    ends: list[Outcome] = [
        tagged(department="legal"),
        Failed(reason="timeout"),
        Retry(after_seconds=5),
        Skipped(reason="paused"),
    ]
    with engine.begin() as connection:
        batch = [Ended(claimed=one, outcome=ends[number % 4]) for number, one in enumerate(claimed)]
        assert len(outcomes.write(connection, batch[::-1])) == 30
        assert outcomes.write(connection, []) == []
    assert rows(engine, "select state, count(*) from classifications group by 1 order by 1") == [
        ("failed", 8),
        ("not_run", 7),
        ("retrying", 7),
        ("tagged", 8),
    ]


def test_two_classifiers_write_their_tags_side_by_side_also_in_one_batch(line: Line, engine: Engine) -> None:
    ids = {name: line_stage.classifier(engine, name, dimension=name).id for name in ("one", "two", "three")}
    record(line, wire("000"))
    claimed = {one.classifier_id: one for one in asking.claim(engine, KEYS[:1])}
    asking.write(engine, [claimed[ids["one"]]], tagged(one="a"))
    with engine.begin() as connection:
        answers = {"two": tagged(two="b"), "three": tagged(three=["c", "d"])}
        outcomes.write(connection, [Ended(claimed=claimed[ids[name]], outcome=end) for name, end in answers.items()])
    assert tags(engine) == {"one": "a", "two": "b", "three": ["c", "d"]}


def test_a_re_run_removes_the_tags_it_no_longer_gives_and_leaves_those_of_others(line: Line, engine: Engine) -> None:
    ids = {name: line_stage.classifier(engine, name, dimension=name).id for name in ("one", "two")}
    record(line, wire("000"))

    def answer(**given: Any) -> None:
        for claimed in asking.claim(engine, KEYS[:1]):
            end = given["one"] if claimed.classifier_id == ids["one"] else given["two"]
            asking.write(engine, [claimed], end)

    answer(one=tagged(old="x", both="x"), two=tagged(two="y"))
    asking.ask_again(engine)
    answer(one=Retry(after_seconds=0), two=tagged(two="z"))
    assert tags(engine) == {"old": "x", "both": "x", "two": "z"}
    asking.make_due(engine)
    answer(one=tagged(both="y", new="y"), two=None)
    assert tags(engine) == {"both": "y", "new": "y", "two": "z"}
    asking.ask_again(engine)
    answer(one=Failed(reason="refused"), two=tagged(two="z"))
    assert tags(engine) == {"two": "z"}


def test_a_workspace_that_keeps_no_text_loses_it_when_all_its_classifications_are_final(
    line: Line, engine: Engine
) -> None:
    for name in ("acme", "beta"):
        line_stage.classifier(engine, workspace=name)
    line_stage.classifier(engine, "two", dimension="two")
    with engine.begin() as connection:
        workspaces.update(connection, "acme", keep_text_days=0)
    record(line, wire("000"), wire("000", workspace="beta"))
    one, two = asking.claim(engine, KEYS[:1])
    [other] = asking.claim(engine, [("beta", "000", NOW)])
    asking.write(engine, [one, other], tagged(a="b"))
    assert line_stage.count(engine, "transcripts") == 2
    asking.write(engine, [two], Retry(after_seconds=0))
    assert line_stage.count(engine, "transcripts") == 2
    asking.write(engine, asking.claim(engine, KEYS[:1]), Failed(reason="refused"))
    assert rows(engine, "select workspace from transcripts") == ["beta"]


def test_writers_whose_batches_cross_never_deadlock(line: Line, engine: Engine) -> None:
    for name in ("one", "two"):
        line_stage.classifier(engine, name, dimension=name)
    record(line, *[wire(id_, created_at=created_at) for _, id_, created_at in KEYS])
    claimed = asking.claim(engine, KEYS)
    together = Barrier(2)

    def end(number: int) -> int:
        mine = claimed[number::2] if number else claimed[number::2][::-1]
        written = 0
        for start in range(0, len(mine), 6):
            together.wait(timeout=30)
            # Both write all generations, and each also brings late answers of the other's rows.
            batch = [*mine[start : start + 6], *claimed[::-1][start : start + 6]]
            distinct = {(one.key, one.classifier_id): one for one in batch}
            written += len(asking.write(engine, list(distinct.values()), tagged(one="x", two="y"), call("0.01")))
        return written

    with ThreadPoolExecutor(2) as pool:
        assert sum(pool.map(end, range(2))) == len(claimed) == 60
    assert rows(engine, "select distinct tags from generations") == [{"one": "x", "two": "y"}]


def test_late_answers_are_waited_for_in_key_order_with_nothing_behind_them_held(recorded: UUID, engine: Engine) -> None:
    [late] = asking.claim(engine, KEYS[:1])
    asking.end_leases(engine)
    [behind] = asking.claim(engine, KEYS[1:2])
    with ThreadPoolExecutor(1) as pool, engine.begin() as other:
        lock(other, "000")
        writing = pool.submit(asking.write, engine, [late, behind], tagged(department="legal"), call("0.01"))
        wait_until_somebody_waits(engine, what="a writer that waits for the row of its late answer")
        lock(other, "001")
        other.rollback()
        assert [one.claimed for one in writing.result(timeout=30)] == [behind]


def lock(connection: Connection, id_: str) -> None:
    connection.execute(
        text("select from classifications where generation_id = :id for update nowait"), {"id": id_}
    ).all()


def test_outcomes_of_several_workspaces_stay_apart(line: Line, engine: Engine) -> None:
    for name in ("acme", "beta"):
        line_stage.classifier(engine, workspace=name)
    record(line, wire("000"), wire("000", workspace="beta"))
    asking.write(engine, asking.claim(engine, KEYS[:1]), tagged(department="legal"), call("1"))
    assert rows(engine, "select workspace, tags from generations order by 1") == [
        ("acme", {"department": "legal"}),
        ("beta", {}),
    ]
    assert rows(
        engine, "select workspace, payer_kind, cost_usd::float8 from spend where payer_kind = 'classifier'"
    ) == [("acme", "classifier", 1.0)]


def test_an_outcome_for_a_row_that_was_erased_is_dropped(recorded: UUID, engine: Engine) -> None:
    claimed = claim_first(engine)
    with engine.begin() as connection:
        connection.execute(text("delete from classifications where generation_id = '000'"))
    assert asking.write(engine, [claimed], tagged(department="legal"), call("1")) == []
