"""One endpoint hangs: its room fills, its gate closes, and the other endpoint and recording keep their rate."""

import time
from collections.abc import Iterator

import pytest

from tests.acceptance.stage import Stage
from tests.model_server import ModelServer
from tests.waiting import wait_until

KEPT = 0.7
BATCHES = 150
COUNT = 160
PLACES = 8
LATENCY_SECONDS = 0.1
"""8 places at 100 ms are 80 calls a second: far below what the machine can do, so that its noise does not count."""


@pytest.fixture
def hung_server() -> Iterator[ModelServer]:
    with ModelServer(hang_seconds=120) as server:
        server.play_always("hang")
        yield server


def seconds_to_tag(stage: Stage, prefix: str) -> float:
    ids = [f"{prefix}{number}" for number in range(COUNT)]
    began = time.monotonic()
    stage.publish(*ids)
    tagged = "select count(*) from classifications where state = 'tagged' and generation_id like %(like)s"
    wait_until(
        lambda: stage.database.value(tagged, {"like": f"{prefix}%"}) == COUNT, deadline_seconds=60, what="tags for all"
    )
    return time.monotonic() - began


def seconds_to_record(stage: Stage, prefix: str) -> float:
    """A stream of batches into a workspace without classifier."""
    began = time.monotonic()
    for number in range(BATCHES):
        stage.publish(*(f"{prefix}{number}-{one}" for one in range(20)), workspace="unclassified")
    recorded = "select count(*) from generations where id like %(like)s"
    wait_until(
        lambda: stage.database.value(recorded, {"like": f"{prefix}%"}) == 20 * BATCHES,
        deadline_seconds=60,
        what="all recorded",
    )
    return time.monotonic() - began


@pytest.mark.alone
@pytest.mark.once
def test_the_other_endpoint_and_recording_keep_their_rate(stage: Stage, hung_server: ModelServer) -> None:
    stage.classifier(endpoint="hung", workspace="stuck")
    stage.model_server.play.latency_seconds = LATENCY_SECONDS
    stage.beat()
    worker = stage.worker(
        endpoint_hung_url=hung_server.url,
        calls_in_flight=str(2 * PLACES),
        calls_ready=str(PLACES),
        call_timeout_seconds="60",
    )
    seconds_to_tag(stage, "warm")
    tagging, recording = seconds_to_tag(stage, "alone"), seconds_to_record(stage, "r-alone")

    stage.publish(*(f"stuck{number}" for number in range(800)), workspace="stuck")
    claimed = "select count(*) from classifications where endpoint = 'hung' and state = 'running'"
    wait_until(lambda: stage.database.value(claimed) > 200, what="a full room")
    wait_until(lambda: stage.waiting_in("classify.hung") > 0, what="bells that wait behind a closed gate")
    wait_until(lambda: hung_server.play.total >= PLACES, what="a call in each of the hung endpoint's places")
    assert hung_server.play.total == PLACES

    # The machine is not ours alone: what one of three runs reaches, the hung endpoint does not prevent.
    assert any(tagging / seconds_to_tag(stage, f"beside{run}-") >= KEPT for run in range(3))
    assert any(recording / seconds_to_record(stage, f"r-beside{run}-") >= KEPT for run in range(3))
    assert stage.waiting_in("classify.hung") > 0
    assert hung_server.play.total >= PLACES
    assert worker.is_alive
