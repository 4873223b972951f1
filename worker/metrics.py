"""The worker's Prometheus metrics; each name, its labels and when it counts stand here and nowhere else."""

from collections.abc import Callable, Sequence

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, start_http_server

from worker.outcomes import Failed, Retry, Skipped, Tagged, Waiting
from worker.store.outcomes import Ended

LATENCY_BUCKETS = (0.05, 0.1, 0.25, 0.5, 1, 2, 4, 8, 15, 30, 60, 120)


class Metrics:
    """Counted after the write to Postgres, so that the counters never run ahead of the truth."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._ended = Counter(
            "aftertag_classifications",
            "Classifications written, by outcome (tagged, failed, not_run, retrying, waiting, late) and reason.",
            ("outcome", "reason"),
            registry=self.registry,
        )
        self._latency = Histogram(
            "aftertag_call_seconds",
            "Duration of model calls, by endpoint.",
            ("endpoint",),
            buckets=LATENCY_BUCKETS,
            registry=self.registry,
        )
        self._spend = Counter(
            "aftertag_spend_usd",
            "What model calls cost, where it is known, by endpoint.",
            ("endpoint",),
            registry=self.registry,
        )
        self._recorded = Counter("aftertag_recorded", "Generations recorded.", registry=self.registry)
        self._set_aside = Counter(
            "aftertag_set_aside", "Generations that could not be recorded.", registry=self.registry
        )
        self._wait = Gauge(
            "aftertag_queue_age_seconds",
            "How long the oldest due classification has waited, at the last sweep.",
            ("endpoint",),
            registry=self.registry,
        )

    def watch(self, *, calls: Callable[[], float], room: Callable[[], float]) -> None:
        """Read the process's present state whenever the metrics are asked for."""
        in_flight = Gauge("aftertag_calls_in_flight", "Model calls under way.", registry=self.registry)
        in_flight.set_function(calls)
        claimed = Gauge("aftertag_claimed", "Classifications claimed and not yet written.", registry=self.registry)
        claimed.set_function(room)

    def serve(self, *, host: str, port: int) -> None:
        """Serve /metrics from a thread of its own."""
        start_http_server(port, addr=host, registry=self.registry)

    def count(self, batch: Sequence[Ended], current: Sequence[Ended]) -> None:
        """Count a batch that was written; what is not `current` came too late."""
        held = {id(one) for one in current}
        for one in batch:
            outcome, reason = _name(one) if id(one) in held else ("late", "")
            self._ended.labels(outcome, reason).inc()
            if one.call is not None:
                endpoint = one.claimed.endpoint
                self._latency.labels(endpoint).observe(one.call.latency_ms / 1000)
                if one.call.usage is not None and one.call.usage.cost_usd is not None:
                    self._spend.labels(endpoint).inc(float(one.call.usage.cost_usd))

    def count_recorded(self, generations: int, *, set_aside: int) -> None:
        self._recorded.inc(generations)
        self._set_aside.inc(set_aside)

    def oldest_wait(self, endpoint: str, seconds: float) -> None:
        self._wait.labels(endpoint).set(seconds)


def _name(one: Ended) -> tuple[str, str]:
    match one.outcome:
        case Tagged():
            return "tagged", ""
        case Failed(reason=reason):
            return "failed", reason
        case Skipped(reason=reason):
            return "not_run", reason
        case Retry():
            return "retrying", one.call.case or "" if one.call else ""
        case Waiting(reason=reason):
            return "waiting", reason or ""
