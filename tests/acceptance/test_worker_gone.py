"""Workers that are killed: whatever they held comes back, is recorded once and tagged once."""

import psycopg

from tests.acceptance.stage import Stage
from tests.waiting import wait_until


def ids(count: int, prefix: str = "g") -> list[str]:
    return [f"{prefix}{number}" for number in range(count)]


def test_what_a_worker_was_asking_when_it_was_killed_is_asked_again_by_another(stage: Stage) -> None:
    stage.model_server.play_always("hang")
    stage.beat()
    first = stage.worker()
    stage.publish(*ids(40))
    wait_until(lambda: stage.model_server.play.total >= 40, what="40 calls under way")
    assert stage.database.whys() == {"running": 40}
    stage.kill(first)
    stage.model_server.play_always(None)
    stage.worker()
    stage.wait_until_final(40)
    assert stage.database.whys() == {"tagged": 40}
    assert all(seen.lost_leases == 1 for seen in stage.database.classifications().values())
    assert {stage.model_server.calls(id_) for id_ in ids(40)} == {2}


def test_a_batch_that_a_worker_was_recording_when_it_was_killed_is_recorded_once_by_another(stage: Stage) -> None:
    stage.beat()
    first = stage.worker()
    with psycopg.connect(stage.database.url) as blocking:
        blocking.execute("lock table generations in exclusive mode")
        stage.publish(*ids(40))
        waits = "select count(*) from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()"
        wait_until(lambda: stage.database.value(waits) > 0, what="a worker in the middle of recording")
        first.kill()
    wait_until(lambda: stage.database.value(waits) == 0, what="the end of the killed worker's transactions")
    stage.worker()
    stage.wait_until_final(40)
    assert stage.database.count("generations") == 40
    assert stage.database.whys() == {"tagged": 40}
    assert {stage.model_server.calls(id_) for id_ in ids(40)} == {1}


def test_a_transcript_that_kills_its_worker_every_time_ends_as_worker_lost_and_the_others_are_tagged(
    stage: Stage,
) -> None:
    stage.beat()
    stage.model_server.script("killer", "hang")
    stage.publish(*ids(10, "before"), "killer", *ids(10, "after"))
    for deaths in range(1, 4):
        worker = stage.worker()
        wait_until(
            lambda deaths=deaths: stage.model_server.calls("killer") >= deaths,
            deadline_seconds=30,
            what=f"call {deaths} about the killer",
        )
        stage.kill(worker)
    stage.worker()
    stage.wait_until_final(21)
    assert stage.database.classifications()["killer"].why == "worker_lost"
    assert stage.database.whys() == {"tagged": 20, "worker_lost": 1}
    assert stage.model_server.calls("killer") == 3
