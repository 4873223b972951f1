"""The sweep: rings again for what nobody came for, takes back what was lost, and floods no queue."""

import pytest
from sqlalchemy import Engine, text

from tests.worker import asking, line_stage
from tests.worker.line_stage import NOW, Bells, record, rows, wire
from worker import sweeping
from worker.depths import SHORT_QUEUE
from worker.line import Line
from worker.sweeping import IDS_PER_PASS, IDS_TO_A_REFUSING_ENDPOINT


def empty(queue: str) -> int:
    return 0


def due(line: Line, bells: Bells, engine: Engine, ids: int, *, endpoint: str = "local") -> None:
    """So many generations that nobody was ever rung for."""
    name = endpoint.replace("-", "_")
    line_stage.classifier(engine, name, dimension=name, endpoint=endpoint, filters={"apps": [endpoint]})
    record(line, *[wire(f"{endpoint}-{number}", app=endpoint) for number in range(ids)])
    with engine.begin() as connection:
        connection.execute(text("update classifications set rung_at = null"))
    bells.clear()


def test_what_is_due_is_rung_for_once(line: Line, bells: Bells, engine: Engine) -> None:
    due(line, bells, engine, 40)
    assert sweeping.sweep(line, depth=empty) == 40
    assert sweeping.sweep(line, depth=empty) == 0
    assert len(bells) == len(set(bells)) == 40


def test_nothing_is_rung_for_while_the_queue_is_long(line: Line, bells: Bells, engine: Engine) -> None:
    due(line, bells, engine, 100)
    assert sweeping.sweep(line, depth=lambda queue: SHORT_QUEUE) == 0
    assert sweeping.sweep(line, depth=lambda queue: SHORT_QUEUE - 1) == 32
    assert sweeping.sweep(line, depth=lambda queue: SHORT_QUEUE + 5) == 0
    assert len(bells) == 32


def test_a_backlog_of_one_endpoint_leaves_the_others_their_share(line: Line, bells: Bells, engine: Engine) -> None:
    due(line, bells, engine, 50, endpoint="a-backlog")
    due(line, bells, engine, 20, endpoint="b-small")
    with engine.begin() as connection:
        connection.execute(
            text("""
            insert into classifications (workspace, generation_id, created_at, classifier_id, version, endpoint, state, due_at)
            select workspace, 'more-' || n, created_at, classifier_id, version, endpoint, state, due_at
            from classifications, generate_series(1, :more) n where generation_id = 'a-backlog-1' and state = 'pending'
            """),
            {"more": IDS_PER_PASS},
        )
    assert sweeping.sweep(line, depth=empty) == IDS_PER_PASS // 2 + 20
    assert sum(endpoint == "b-small" for endpoint, _ in bells) == 20


def test_lost_leases_are_taken_back_and_rung_for_in_the_same_pass(line: Line, bells: Bells, engine: Engine) -> None:
    due(line, bells, engine, 3)
    asking.claim(engine, [("acme", "local-0", NOW)], lease_seconds=-1)
    assert sweeping.sweep(line, depth=empty) == 3
    assert rows(engine, "select lost_leases, state from classifications where lost_leases > 0") == [(1, "pending")]


def test_how_long_the_oldest_has_waited_is_measured(line: Line, bells: Bells, engine: Engine) -> None:
    due(line, bells, engine, 1)
    with engine.begin() as connection:
        connection.execute(text("update classifications set due_at = now() - interval '1 hour'"))
    sweeping.sweep(line, depth=empty)
    measured = line.metrics.registry.get_sample_value("aftertag_queue_age_seconds", {"endpoint": "local"})
    assert measured == pytest.approx(3_600, abs=60)


@pytest.mark.parametrize("reason", ["auth_failed", "quota_exhausted"])
def test_an_endpoint_that_refuses_is_rung_for_a_few_until_none_were_put_off_lately(
    line: Line, bells: Bells, engine: Engine, reason: str
) -> None:
    due(line, bells, engine, 100)

    def put_off(due_seconds_from_now: float) -> None:
        with engine.begin() as connection:
            connection.execute(
                text("""
                update classifications set reason = :reason, due_at = now() + make_interval(
                    secs => :seconds - case when generation_id = 'local-0' then 1 else 0 end)
                """),
                {"reason": reason, "seconds": due_seconds_from_now},
            )

    put_off(-1)
    assert sweeping.sweep(line, depth=empty) == IDS_TO_A_REFUSING_ENDPOINT
    put_off(-line.settings.ring_again_seconds - 1)
    with engine.begin() as connection:
        connection.execute(
            text("update classifications set due_at = now() + interval '1 minute' where generation_id = 'local-0'")
        )
    assert sweeping.sweep(line, depth=empty) == IDS_TO_A_REFUSING_ENDPOINT
    with engine.begin() as connection:
        connection.execute(text("update classifications set state = 'tagged' where generation_id = 'local-0'"))
    assert sweeping.sweep(line, depth=empty) == 100 - 2 * IDS_TO_A_REFUSING_ENDPOINT
