"""The server's Prometheus metrics; each name, its labels and when it counts stand here and nowhere else."""

from collections import Counter as Tally
from collections.abc import Iterable, Mapping

from prometheus_client import Counter, Histogram

from console.server.arrivals import Result
from worker.metrics import Metrics

SECONDS_BUCKETS = (0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20)


class HttpMetrics:
    """What is served beside `recording`'s own, which count after each commit."""

    def __init__(self, recording: Metrics) -> None:
        self._requests = Counter(
            "aftertag_http_requests",
            "Requests answered, by route and status; a request whose caller went away counts as 499.",
            ("route", "status"),
            registry=recording.registry,
        )
        self._seconds = Histogram(
            "aftertag_http_request_seconds",
            "From a request's head to the end of its answer, by route.",
            ("route",),
            buckets=SECONDS_BUCKETS,
            registry=recording.registry,
        )
        self._results = Counter(
            "aftertag_http_results",
            "What became of generations and feedback that came in, by way and result (recorded, known, rejected).",
            ("way", "result"),
            registry=recording.registry,
        )

        self._ignored = Counter(
            "aftertag_ignored_spans",
            "Spans that gave no text to tag, by what they are: not_a_generation, stream_opening, seen_twice, failed,"
            " without_text; and events of LiteLLM's that are no generation: litellm_event.",
            ("kind",),
            registry=recording.registry,
        )

    def count_request(self, route: str, status: int, *, seconds: float) -> None:
        self._requests.labels(route, str(status)).inc()
        self._seconds.labels(route).observe(seconds)

    def count_results(self, way: str, results: Iterable[Result]) -> None:
        for status, count in Tally(one.status for one in results).items():
            self._results.labels(way, status).inc(count)

    def count_ignored(self, spans: Mapping[str, int]) -> None:
        """Count what OpenTelemetry spans were that brought no generation, or one without its text."""
        for kind, count in spans.items():
            if count:
                self._ignored.labels(kind).inc(count)
