"""Metrics: counted after the write, by outcome and reason; late answers cost and count as late."""

from decimal import Decimal

import pytest

from tests.worker.asking import call, tagged
from tests.worker.test_calls import claimed
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
