"""TERM, at the worst moments: exit code 0 within `drain_seconds`, and everything finished or released."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import psutil
import psycopg

from tests.acceptance.processes import Process
from tests.acceptance.stage import Stage
from tests.waiting import wait_until
from worker.app import END_ANYWAY_SECONDS
from worker.embedded.postgres import Postgres
from worker.embedded.redis_server import RedisServer

PATIENCE_SECONDS = 60.0
"""By the worker's own clock it is a matter of `drain_seconds`: it ends with 1 if it takes longer (END_ANYWAY_SECONDS)."""


STOPPING = "stopping: no new calls"


def ids(count: int, prefix: str = "g") -> list[str]:
    return [f"{prefix}{number}" for number in range(count)]


@contextmanager
def frozen(postgres: Postgres) -> Iterator[None]:
    """Stop the server and all its children in their tracks."""
    assert postgres.pid is not None
    server = psutil.Process(postgres.pid)
    everyone = [server, *server.children(recursive=True)]
    for process in everyone:
        os.kill(process.pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for process in everyone:
            with suppress(ProcessLookupError):  # the server, going on first, has ended a client's that is gone
                os.kill(process.pid, signal.SIGCONT)


def end_in_time(worker: Process) -> None:
    """Send TERM, expect exit code 0 in time."""
    worker.ask_to_end()
    assert worker.exit_code(within_seconds=PATIENCE_SECONDS) == 0, worker.log


def test_ctrl_c_ends_a_worker_as_term_does(stage: Stage) -> None:
    worker = stage.worker()
    worker.ask_to_end(signal.SIGINT)
    assert worker.exit_code(within_seconds=PATIENCE_SECONDS) == 0, worker.log
    assert "Ctrl+C" not in worker.log


def test_calls_that_end_in_time_are_finished_and_a_hung_one_is_released(stage: Stage) -> None:
    stage.model_server.script("hung", "hang")
    worker = stage.worker(drain_seconds="10")
    stage.publish("hung")
    wait_until(lambda: stage.model_server.play.total == 1, what="a call that hangs")
    with stage.model_server.holding():
        stage.publish(*ids(20))
        wait_until(lambda: stage.model_server.play.total == 21, what="20 more calls under way")
        worker.ask_to_end()
        wait_until(lambda: STOPPING in worker.log, what="a worker that has begun to end")
    assert worker.exit_code(within_seconds=PATIENCE_SECONDS) == 0, worker.log
    seen = stage.database.classifications()
    assert (seen["hung"].why, seen["hung"].attempts, seen["hung"].lost_leases) == ("pending", 0, 0)
    told = "select call_case from spend where generation_id = 'hung' and payer_kind = 'classifier'"
    assert stage.database.value(told) == "cut_off"
    assert stage.database.whys() == {"tagged": 20, "pending": 1}
    stage.model_server.script("hung", "ok")
    stage.beat()
    stage.worker()
    stage.wait_until_final(21)
    assert stage.database.whys() == {"tagged": 21}
    assert {stage.model_server.calls(id_) for id_ in ids(20)} == {1}


def test_a_worker_without_work_ends_at_once(stage: Stage) -> None:
    end_in_time(stage.worker(drain_seconds="300"))  # for which nobody waits


def test_a_worker_whose_threads_wait_for_room_ends_in_time_and_holds_nothing(stage: Stage) -> None:
    few = {"calls_in_flight": "4", "calls_ready": "1", "threads": "4"}
    worker = stage.worker(drain_seconds="60", **few)
    with stage.model_server.holding():
        stage.publish(*ids(600))
        stage.wait_until_recorded(600)
        # The room of one endpoint is 2 calls, 1 ready and 256 on their way into Postgres; then its gate closes.
        running = "select count(*) from classifications where state = 'running'"
        wait_until(lambda: stage.database.value(running) > 200, what="a full room")
        assert stage.waiting_in("classify.test") > 0
        worker.ask_to_end()
        wait_until(lambda: STOPPING in worker.log, what="a worker that has begun to end")
    assert worker.exit_code(within_seconds=PATIENCE_SECONDS) == 0, worker.log
    whys = stage.database.whys()
    assert whys.keys() <= {"pending", "tagged"}
    assert (sum(whys.values()), whys["pending"] > 0) == (600, True)
    assert stage.database.value("select max(lost_leases) from classifications") == 0


def test_a_worker_ends_in_time_while_postgres_is_away_and_its_batch_stays_in_redis(
    own_stage: Stage, own_postgres: Postgres
) -> None:
    own_stage.beat()
    worker = own_stage.worker()
    own_postgres.stop()
    own_stage.publish(*ids(40))
    wait_until(lambda: "Postgres is away" in worker.log, what="a worker that noticed")
    end_in_time(worker)
    assert own_stage.waiting_in("record") > 0
    own_postgres.start()
    own_stage.worker()
    own_stage.wait_until_final(40)
    assert own_stage.database.whys() == {"tagged": 40}


def test_a_worker_ends_in_time_while_postgres_is_away_and_answers_are_unwritten(
    own_stage: Stage, own_postgres: Postgres
) -> None:
    """Nobody can write them; their leases bring them back."""
    own_stage.model_server.play.latency_seconds = 1.0
    worker = own_stage.worker(write_seconds="15")
    own_stage.publish(*ids(20))
    wait_until(lambda: own_stage.model_server.play.total == 20, what="20 calls under way")
    own_postgres.stop()
    end_in_time(worker)
    own_postgres.start()
    own_stage.database.execute("update classifications set lease_until = now()")
    own_stage.beat()
    own_stage.worker()
    own_stage.wait_until_final(20)
    assert own_stage.database.whys() == {"tagged": 20}


def test_a_worker_ends_in_time_while_redis_is_away(own_stage: Stage, own_redis: RedisServer) -> None:
    worker = own_stage.worker(drain_seconds="30")
    with own_stage.model_server.holding():
        own_stage.publish(*ids(20))
        wait_until(lambda: own_stage.model_server.play.total == 20, what="20 calls under way")
        own_redis.stop()
        worker.ask_to_end()
        wait_until(lambda: STOPPING in worker.log, what="a worker that has begun to end")
    assert worker.exit_code(within_seconds=PATIENCE_SECONDS) == 0, worker.log
    assert own_stage.database.whys() == {"tagged": 20}


def test_a_worker_that_cannot_ring_because_redis_is_away_ends_in_time(own_stage: Stage, own_redis: RedisServer) -> None:
    """Redis goes while a batch is being recorded: the commit stands, and nobody waits to ring for it."""
    worker = own_stage.worker()
    with psycopg.connect(own_stage.database.url) as blocking:
        blocking.execute("lock table generations in exclusive mode")
        own_stage.publish(*ids(40))
        waits = "select count(*) from pg_stat_activity where wait_event_type = 'Lock'"
        wait_until(lambda: own_stage.database.value(waits) > 0, what="a worker in the middle of recording")
        wait_until(lambda: own_stage.waiting_in("record") == 0, what="all of it on its way")
        own_redis.stop()
    own_stage.wait_until_recorded(40)
    end_in_time(worker)
    own_redis.start()
    own_stage.beat()
    own_stage.worker()
    own_stage.wait_until_final(40)
    assert own_stage.database.whys() == {"tagged": 40}
    assert own_stage.model_server.play.total == 40


def test_a_worker_ends_in_time_while_postgres_hangs(own_stage: Stage, own_postgres: Postgres) -> None:
    """It takes a statement and is silent, so its thread never comes back: the worker leaves without it, and says so."""
    worker = own_stage.worker(drain_seconds="1")
    own_stage.publish(*ids(20))
    own_stage.wait_until_final(20)
    with psycopg.connect(own_stage.database.url) as blocking:
        blocking.execute("lock table generations in exclusive mode")
        own_stage.publish(*ids(20, "later-"))
        waits = "select count(*) from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()"
        wait_until(lambda: own_stage.database.value(waits) > 0, what="a worker in the middle of a statement")
        with frozen(own_postgres):
            worker.ask_to_end()
            assert worker.exit_code(within_seconds=1 + END_ANYWAY_SECONDS + PATIENCE_SECONDS) == 1
            assert "ending without them" in worker.log
    own_stage.beat()
    own_stage.worker()
    own_stage.wait_until_final(40)
    assert own_stage.database.whys() == {"tagged": 40}


def test_a_second_worker_goes_on_while_one_is_stopped(stage: Stage) -> None:
    stage.model_server.play.latency_seconds = 0.2
    stage.beat()
    patient = {"drain_seconds": "30"}
    first, second = stage.worker(ready=False, **patient), stage.worker(ready=False, **patient)
    first.wait_until_ready()
    second.wait_until_ready()
    stage.publish(*ids(100))
    stage.wait_until_recorded(1)
    end_in_time(first)
    stage.publish(*ids(50, "later-"))
    stage.wait_until_final(150)
    assert stage.database.whys() == {"tagged": 150}
    assert second.is_alive
    assert {stage.model_server.calls(id_) for id_ in (*ids(100), *ids(50, "later-"))} == {1}
