"""Logs for machines: every line that a worker and a beat write, from their start to their end, is a JSON object."""

import json

from tests.acceptance.processes import Process
from tests.acceptance.stage import Stage


def events(process: Process) -> list[str]:
    return [json.loads(line)["event"] for line in process.log.splitlines()]


def test_every_line_of_a_worker_and_a_beat_is_json(stage: Stage) -> None:
    beat, worker = stage.beat(), stage.worker()
    stage.publish("1")
    stage.wait_until_final(1)
    for process in (worker, beat):
        process.ask_to_end()
        assert process.exit_code(within_seconds=30) == 0, process.log
    assert "stopped" in events(worker)
    assert isinstance(events(beat), list)


def test_a_port_of_metrics_that_is_taken_is_told_in_a_sentence(stage: Stage) -> None:
    taken = stage.model_server.url.split(":")[2].split("/")[0]
    worker = stage.worker(ready=False, metrics_port=taken)
    assert worker.exit_code(within_seconds=30) != 0
    assert f"AFTERTAG_METRICS_PORT is {taken}" in worker.log
    assert "expected" not in worker.log
