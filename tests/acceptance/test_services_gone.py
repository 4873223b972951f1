"""Redis flushed and restarted, Postgres restarted and stopped: nothing that was recorded is lost or paid twice."""

from tests.acceptance.stage import Stage
from tests.waiting import wait_until
from worker.embedded.postgres import Postgres
from worker.embedded.redis_server import RedisServer


def ids(count: int, prefix: str = "g") -> list[str]:
    return [f"{prefix}{number}" for number in range(count)]


def expect_each_tagged_once(stage: Stage, count: int) -> None:
    """Every one has its tags from one call; `classifications` would have failed on a second row."""
    assert stage.database.whys() == {"tagged": count}
    assert stage.database.count("generations") == count
    assert stage.model_server.play.total == count
    assert stage.database.count("set_aside") == 0


def test_redis_flushed_after_recording_loses_no_classification(stage: Stage) -> None:
    """The recorder knows no endpoint, so every bell is still in Redis when it is flushed."""
    recorder = stage.worker(endpoint_test_url="")
    stage.publish(*ids(200))
    stage.wait_until_recorded(200)
    wait_until(lambda: stage.waiting_in("classify.test") > 0, what="bells in Redis")
    with stage.redis() as client:
        client.flushdb()
    stage.beat()
    stage.worker()
    stage.wait_until_final(200)
    expect_each_tagged_once(stage, 200)
    assert recorder.is_alive


def test_redis_flushed_under_running_workers_does_not_stop_them(stage: Stage) -> None:
    stage.beat()
    worker = stage.worker()
    for round_ in range(3):
        stage.publish(*ids(30, f"round{round_}-"))
        stage.wait_until_recorded(30 * (round_ + 1))
        with stage.redis() as client:
            client.flushdb()
    stage.publish(*ids(30, "after-"))
    stage.wait_until_final(120)
    expect_each_tagged_once(stage, 120)
    assert worker.is_alive


def test_redis_killed_and_started_again_loses_no_classification(own_stage: Stage, own_redis: RedisServer) -> None:
    own_stage.beat()
    worker = own_stage.worker()
    own_stage.publish(*ids(60, "before-"))
    own_stage.wait_until_recorded(60)
    own_redis.kill()
    own_redis.start()
    own_stage.publish(*ids(60, "after-"))
    own_stage.wait_until_final(120)
    expect_each_tagged_once(own_stage, 120)
    assert worker.is_alive


def test_postgres_restarted_under_load_loses_nothing(own_stage: Stage, own_postgres: Postgres) -> None:
    own_stage.model_server.play.latency_seconds = 0.05
    own_stage.beat()
    worker = own_stage.worker()
    own_stage.publish(*ids(150, "before-"))
    own_stage.wait_until_recorded(1)
    own_postgres.kill()
    own_postgres.start()
    own_stage.publish(*ids(50, "after-"))
    own_stage.wait_until_final(200)
    assert own_stage.database.whys() == {"tagged": 200}
    assert own_stage.database.count("generations") == 200
    assert worker.is_alive


def test_what_reaches_redis_while_postgres_is_stopped_is_recorded_and_tagged_afterwards(
    own_stage: Stage, own_postgres: Postgres
) -> None:
    own_stage.beat()
    worker = own_stage.worker()
    own_stage.publish(*ids(20, "before-"))
    own_stage.wait_until_final(20)
    own_postgres.stop()
    for batch in range(20):  # more batches than the worker has threads
        own_stage.publish(*ids(5, f"meanwhile{batch}-"))
    wait_until(lambda: "Postgres is away" in worker.log, what="a worker that noticed")
    own_stage.publish(*ids(20, "later-"))
    assert own_stage.waiting_in("record") > 0  # it stopped consuming
    own_postgres.start()
    own_stage.wait_until_final(140)
    expect_each_tagged_once(own_stage, 140)
    assert worker.is_alive


def test_answers_that_come_while_postgres_is_stopped_are_written_when_it_is_back(
    own_stage: Stage, own_postgres: Postgres
) -> None:
    """Within their leases: nobody is asked twice."""
    own_stage.beat()
    own_stage.worker(write_seconds="60")
    with own_stage.model_server.holding():
        own_stage.publish(*ids(40))
        wait_until(lambda: own_stage.model_server.play.total == 40, what="40 calls under way")
        own_postgres.stop()
    wait_until(lambda: "outcomes wait for Postgres" in own_stage.logs(), what="answers that wait")
    own_postgres.start()
    own_stage.wait_until_final(40)
    expect_each_tagged_once(own_stage, 40)


def test_a_worker_keeps_to_its_own_redis_beside_an_application_that_names_another_for_celery(stage: Stage) -> None:
    nobody = "redis://127.0.0.1:1/0"
    stage.worker(others={"CELERY_BROKER_URL": nobody, "CELERY_RESULT_BACKEND": nobody})
    stage.publish("g")
    stage.wait_until_final(1)
    expect_each_tagged_once(stage, 1)
