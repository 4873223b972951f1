"""Metrics: counted after the write, by outcome and reason; late answers cost and count as late."""

from decimal import Decimal
from functools import partial

import httpx
import pytest
from sqlalchemy import Engine, text

from tests.worker import line_stage
from tests.worker.asking import call, tagged
from tests.worker.test_calls import claimed
from worker import errors, sweeping
from worker.line import Line
from worker.metrics import Metrics
from worker.outcomes import Failed, Outcome, Retry, Skipped, Waiting
from worker.store.outcomes import Ended


def value(metrics: Metrics, name: str, **labels: str) -> float | None:
    return metrics.registry.get_sample_value(name, labels)


@pytest.mark.parametrize(
    ("outcome", "case", "labels"),
    [
        (tagged(a="b"), None, ("tagged", "")),
        (Failed(reason="refused"), "refused", ("failed", "refused")),
        (Skipped(reason="paused"), None, ("not_run", "paused")),
        (Retry(after_seconds=1), "timeout", ("retrying", "timeout")),
        (Waiting(reason="auth_failed", after_seconds=1), "unauthorized", ("waiting", "auth_failed")),
        (Waiting(reason=None, after_seconds=1), None, ("waiting", "")),
    ],
)
def test_an_outcome_is_counted_with_its_reason(outcome: Outcome, case: str | None, labels: tuple[str, str]) -> None:
    metrics = Metrics()
    ended = Ended(claimed=claimed(), outcome=outcome, call=call(case=case))
    metrics.count([ended], [ended])
    assert value(metrics, "aftertag_classifications_total", outcome=labels[0], reason=labels[1]) == 1


def test_calls_are_counted_with_their_cost_and_latency_late_ones_too() -> None:
    metrics = Metrics()
    current = Ended(claimed=claimed(), outcome=tagged(a="b"), call=call("0.25", latency_ms=300))
    late = Ended(claimed=claimed(), outcome=tagged(a="b"), call=call("0.50", latency_ms=700))
    uncalled = Ended(claimed=claimed(), outcome=Skipped(reason="paused"))
    metrics.count([current, late, uncalled], [current, uncalled])
    assert value(metrics, "aftertag_classifications_total", outcome="late", reason="") == 1
    assert value(metrics, "aftertag_spend_usd_total", endpoint="local") == float(Decimal("0.75"))
    assert value(metrics, "aftertag_call_seconds_count", endpoint="local") == 2
    assert value(metrics, "aftertag_call_seconds_sum", endpoint="local") == 1.0


def test_what_is_recorded_and_set_aside_is_counted() -> None:
    metrics = Metrics()
    metrics.count_recorded(5, set_aside=2)
    metrics.count_recorded(1, set_aside=0)
    assert (value(metrics, "aftertag_recorded_total"), value(metrics, "aftertag_set_aside_total")) == (6, 2)


def test_the_present_state_is_read_whenever_metrics_are_asked_for() -> None:
    metrics, state = Metrics(), [0.0, 0.0]
    metrics.watch(calls=lambda: state[0], room=lambda: state[1])
    state[:] = [3.0, 7.0]
    assert (value(metrics, "aftertag_calls_in_flight"), value(metrics, "aftertag_claimed")) == (3, 7)


def test_what_recording_decides_and_what_the_sweep_ends_is_counted() -> None:
    metrics = Metrics()
    metrics.count_placed(["sampled_out", None, "sampled_out", "no_classifier"])
    metrics.count_lost(0)
    metrics.count_lost(2)
    counted = partial(value, metrics, "aftertag_classifications_total")
    assert counted(outcome="not_run", reason="sampled_out") == 2
    assert counted(outcome="not_run", reason="no_classifier") == 1
    assert counted(outcome="failed", reason="worker_lost") == 2


def test_the_line_counts_what_it_records_and_what_its_sweep_ends(line: Line, engine: Engine) -> None:
    line_stage.classifier(engine, sampling_rate=0.0)
    line_stage.record(line, *[line_stage.wire(str(number)) for number in range(21)])
    line_stage.record(line, line_stage.wire("20"))
    counted = partial(value, line.metrics, "aftertag_classifications_total")
    assert counted(outcome="not_run", reason="sampled_out") == 21
    with engine.begin() as connection:
        connection.execute(
            text("""
            update classifications set state = 'running', reason = null, finished_at = null, claim_token = gen_random_uuid(),
                   lease_until = now() - interval '1 second', lost_leases = case when generation_id = '1' then 0 else 2 end
            where generation_id in ('1', '2', '3')
            """)
        )
    sweeping.sweep(line, depth=lambda queue: 0)
    assert counted(outcome="failed", reason="worker_lost") == 2


def test_a_wait_is_told_of_every_endpoint_until_others_have_swept() -> None:
    now = [0.0]
    metrics = Metrics(waits_kept_seconds=15, clock=lambda: now[0])
    wait = partial(value, metrics, "aftertag_queue_age_seconds")
    assert wait(endpoint="local") is None
    metrics.see_waits({"local": 3.0, "nobodys": 7.0})
    now[0] = 15
    assert (wait(endpoint="local"), wait(endpoint="nobodys")) == (3, 7)
    metrics.see_waits({"local": 0.0})
    assert (wait(endpoint="local"), wait(endpoint="nobodys")) == (0, None)
    now[0] = 30.1
    assert wait(endpoint="local") is None


def test_a_sweep_tells_the_wait_at_an_endpoint_that_this_worker_has_not(line: Line, engine: Engine) -> None:
    line_stage.classifier(engine, endpoint="nobodys")
    line_stage.record(line, line_stage.wire("1"))
    sweeping.sweep(line, depth=lambda queue: 0)
    assert value(line.metrics, "aftertag_queue_age_seconds", endpoint="local") == 0
    assert value(line.metrics, "aftertag_queue_age_seconds", endpoint="nobodys") is not None


def test_metrics_are_served_and_a_port_that_is_taken_is_told() -> None:
    metrics = Metrics()
    metrics.count_placed(["sampled_out"])
    server = metrics.serve(host="127.0.0.1", port=0)
    try:
        told = httpx.get(f"http://127.0.0.1:{server.server_port}/metrics").text
        assert 'aftertag_classifications_total{outcome="not_run",reason="sampled_out"} 1.0' in told
        with pytest.raises(errors.SettingsError, match=rf"AFTERTAG_METRICS_PORT is {server.server_port}"):
            Metrics().serve(host="127.0.0.1", port=server.server_port)
    finally:
        server.shutdown()
        server.server_close()
