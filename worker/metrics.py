"""The worker's Prometheus metrics; each name, its labels and when it counts stand here and nowhere else."""

import collections
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from wsgiref.simple_server import WSGIServer

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, start_http_server
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from worker import errors
from worker.outcomes import Failed, Retry, Skipped, Tagged, Waiting
from worker.store.outcomes import Ended

LATENCY_BUCKETS = (0.05, 0.1, 0.25, 0.5, 1, 2, 4, 8, 15, 30, 60, 120)


class Metrics:
    """Counted after the write to Postgres, so that the counters never run ahead of the truth.

    What a sweep saw is told for `waits_kept_seconds`. `clock` is monotonic, in seconds.
    """

    def __init__(self, *, waits_kept_seconds: float = 15.0, clock: Callable[[], float] = time.monotonic) -> None:
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
        self._waits = _Waits(kept_seconds=waits_kept_seconds, clock=clock)
        self.registry.register(self._waits)

    def watch(self, *, calls: Callable[[], float], room: Callable[[], float]) -> None:
        """Read the process's present state whenever the metrics are asked for."""
        in_flight = Gauge("aftertag_calls_in_flight", "Model calls under way.", registry=self.registry)
        in_flight.set_function(calls)
        claimed = Gauge("aftertag_claimed", "Classifications claimed and not yet written.", registry=self.registry)
        claimed.set_function(room)

    def serve(self, *, host: str, port: int) -> WSGIServer:
        """Serve /metrics from a thread of its own; raise SettingsError for an address that cannot be had."""
        try:
            server, _ = start_http_server(port, addr=host, registry=self.registry)
        except OSError as error:
            raise errors.SettingsError(
                f"AFTERTAG_METRICS_PORT is {port}, which cannot be served at AFTERTAG_METRICS_HOST {host!r}"
                f" ({error.strerror}); give each worker of a machine a port of its own, or 0 for none."
            ) from None
        return server

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

    def count_placed(self, reasons: Iterable[str | None]) -> None:
        """Count what recording decided: the reasons of rows that will not be run; None for those that will."""
        for reason, rows in collections.Counter(reasons).items():
            if reason is not None:
                self._ended.labels("not_run", reason).inc(rows)

    def count_lost(self, rows: int) -> None:
        """Count rows that the sweep ended as `worker_lost`."""
        if rows:
            self._ended.labels("failed", "worker_lost").inc(rows)

    def see_waits(self, seconds: Mapping[str, float]) -> None:
        """Take in what a sweep saw: by endpoint, how long the oldest due classification has waited."""
        self._waits.see(seconds)


class _Waits(Collector):
    """What this process's last sweep saw, while it is fresh: of several workers it may be another that sweeps next."""

    def __init__(self, *, kept_seconds: float, clock: Callable[[], float]) -> None:
        self._kept_seconds = kept_seconds
        self._clock = clock
        self._seen: tuple[float, Mapping[str, float]] | None = None

    def see(self, seconds: Mapping[str, float]) -> None:
        self._seen = (self._clock(), seconds)

    def collect(self) -> Iterator[GaugeMetricFamily]:
        gauge = GaugeMetricFamily(
            "aftertag_queue_age_seconds",
            "How long the oldest due classification had waited at the last sweep, unless that was too long ago.",
            labels=("endpoint",),
        )
        if self._seen is not None and self._clock() - self._seen[0] <= self._kept_seconds:
            for endpoint, seconds in self._seen[1].items():
                gauge.add_metric((endpoint,), seconds)
        yield gauge


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
