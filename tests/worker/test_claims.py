"""Claims: one process asks about one classification, and what it loses comes back, three times at most."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from uuid import UUID, uuid4

import pytest
from sqlalchemy import Engine, text

from tests.worker import asking, line_stage
from tests.worker.line_stage import EVER, NOW, record, rows, wire
from worker.line import Line
from worker.outcomes import Retry, Waiting
from worker.store import claims
from worker.store.recording import Key

KEYS: list[Key] = [("acme", f"{number:03d}", NOW - timedelta(hours=12 * number)) for number in range(40)]


@pytest.fixture
def recorded(line: Line, engine: Engine) -> UUID:
    """Forty generations over twenty days, pending for one classifier; its id."""
    asked = line_stage.classifier(engine)
    record(line, *[wire(id_, created_at=created_at) for _, id_, created_at in KEYS])
    return asked.id


def test_a_claim_carries_the_transcript_and_what_was_tried_before(recorded: UUID, engine: Engine) -> None:
    token = uuid4()
    [one] = asking.claim(engine, KEYS[:1], token=token)
    assert (one.key, one.classifier_id, one.version, one.endpoint, one.token) == (KEYS[0], recorded, 1, "local", token)
    assert (one.attempts, one.second_tries, one.change, one.seconds_since_first_attempt) == (0, 0, None, 0)
    assert (one.turns or [])[0] == ["user", "Why is the sky blue?", None, None]
    assert "sky" not in repr(one)
    asking.write(
        engine, [one], Retry(after_seconds=0, change="larger_token_cap"), asking.call(case="truncated", once_more=True)
    )
    [again] = asking.claim(engine, KEYS[:1])
    assert (again.attempts, again.second_tries, again.change) == (1, 1, "larger_token_cap")
    assert again.seconds_since_first_attempt >= 0


def test_a_claim_without_text_says_so(recorded: UUID, engine: Engine) -> None:
    with engine.begin() as connection:
        connection.execute(text("delete from transcripts"))
    assert [one.turns for one in asking.claim(engine, KEYS[:2])] == [None, None]


def test_nobody_claims_what_another_holds(recorded: UUID, engine: Engine) -> None:
    assert len(asking.claim(engine, KEYS[:20])) == 20
    assert [one.key for one in asking.claim(engine, KEYS[:25])] == sorted(KEYS[20:25])
    assert asking.claim(engine, []) == []


def test_a_claim_passes_over_what_another_is_claiming_at_this_moment(recorded: UUID, engine: Engine) -> None:
    with engine.begin() as connection:
        claims.claim(connection, KEYS[:20], endpoint="local", token=uuid4(), lease_seconds=60)
        assert len(asking.claim(engine, KEYS)) == 20


def test_only_what_is_due_and_meant_for_the_endpoint_is_claimed(recorded: UUID, engine: Engine) -> None:
    assert asking.claim(engine, KEYS, endpoint="elsewhere") == []
    [one] = asking.claim(engine, KEYS[:1])
    asking.write(engine, [one], Retry(after_seconds=3600))
    assert asking.claim(engine, KEYS[:1]) == []
    asking.make_due(engine)
    assert len(asking.claim(engine, KEYS[:1])) == 1


def test_a_key_named_twice_or_of_another_time_or_workspace_claims_nothing_more(recorded: UUID, engine: Engine) -> None:
    workspace, id_, created_at = KEYS[0]
    wrong = [
        ("beta", id_, created_at),
        (workspace, id_, created_at + timedelta(microseconds=1)),
        (workspace, "x", created_at),
    ]
    assert asking.claim(engine, wrong) == []
    assert len(asking.claim(engine, [KEYS[0], KEYS[0], *wrong])) == 1


def test_two_classifiers_of_one_endpoint_are_claimed_with_one_key(line: Line, engine: Engine) -> None:
    for name in ("one", "two"):
        line_stage.classifier(engine, name, dimension=name)
    record(line, wire("1"))
    assert len(asking.claim(engine, [("acme", "1", NOW)])) == 2


def test_claims_in_crossed_orders_share_all_rows_and_never_deadlock(recorded: UUID, engine: Engine) -> None:
    together = Barrier(6)

    def take(number: int) -> list[Key]:
        mine = []
        for step in range(20):
            together.wait(timeout=30)
            some = [KEYS[(number * 7 + step * 3 + offset) % 40] for offset in range(12)]
            mine += [one.key for one in asking.claim(engine, some if number % 2 else some[::-1])]
        return mine

    with ThreadPoolExecutor(6) as pool:
        found = [key for mine in pool.map(take, range(6)) for key in mine]
    assert sorted(found) == sorted(KEYS)


def test_a_lost_lease_makes_a_row_due_again_and_the_third_ends_it(recorded: UUID, engine: Engine) -> None:
    for _ in range(2):
        assert len(asking.claim(engine, KEYS[:1])) + len(asking.claim(engine, KEYS[:1], last_chance=True)) == 1
        assert asking.end_leases(engine) == 1
    assert rows(engine, "select state, reason, lost_leases from classifications where lost_leases > 0") == [
        ("pending", None, 2)
    ]
    assert asking.claim(engine, KEYS[:1]) == []
    assert [one.last_chance for one in asking.claim(engine, KEYS[:1], last_chance=True)] == [True]
    asking.end_leases(engine)
    assert rows(
        engine,
        """
        select state, reason, lost_leases, finished_at is null, claim_token, lease_until, due_at
        from classifications where lost_leases > 0
        """,
    ) == [("failed", "worker_lost", 3, False, None, None, None)]
    asking.make_due(engine)
    assert asking.claim(engine, KEYS[:1], last_chance=True) == []


def test_last_chances_are_given_one_at_a_time(recorded: UUID, engine: Engine) -> None:
    for _ in range(2):
        asking.claim(engine, KEYS[:5])
        asking.end_leases(engine)
    assert len(asking.claim(engine, KEYS[:10])) == 5
    assert len(asking.claim(engine, KEYS[:10], last_chance=True)) == 1


def test_a_lease_that_has_not_run_out_is_left_alone(recorded: UUID, engine: Engine) -> None:
    asking.claim(engine, KEYS[:3])
    with engine.begin() as connection:
        assert claims.take_back_lost_leases(connection, EVER).lost == 0


def test_the_sweep_rings_for_what_is_due_and_was_not_rung_lately(recorded: UUID, engine: Engine) -> None:
    def stamp(*, limit: int = 100, ring_again_seconds: float = 30) -> list[Key]:
        with engine.begin() as connection:
            return claims.stamp_due(
                connection, EVER, endpoint="local", ring_again_seconds=ring_again_seconds, limit=limit
            )

    assert stamp() == []  # recording rang for them
    assert len(stamp(ring_again_seconds=0)) == 40
    with engine.begin() as connection:
        connection.execute(text("update classifications set rung_at = null"))
    assert len(stamp(limit=15)) == 15
    assert len(stamp()) == 25
    [one] = asking.claim(engine, KEYS[:1])
    asking.write(engine, [one], Waiting(reason="auth_failed", after_seconds=0))
    assert stamp() == KEYS[:1]  # due since it was rung for last
    asking.claim(engine, KEYS[:1])
    assert KEYS[0] not in stamp(ring_again_seconds=0)


def test_how_long_the_oldest_due_row_of_an_endpoint_has_waited_is_known(recorded: UUID, engine: Engine) -> None:
    with engine.begin() as connection:
        connection.execute(
            text("update classifications set due_at = now() - interval '90 seconds' where generation_id = '007'")
        )
        assert claims.oldest_waits(connection, EVER) == {"local": 90}
    asking.claim(engine, KEYS)
    with engine.begin() as connection:
        assert claims.oldest_waits(connection, EVER) == {}
