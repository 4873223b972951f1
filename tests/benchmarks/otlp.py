"""How many generations per second `aftertag serve` records from OpenTelemetry: 512 spans a request, 4 KB transcripts.

A request is answered when its rows are committed, so the time from the first byte to the last answer has everything in
it. Protobuf, JSON, a server of one process and the plain design take turns in one run; every generation brings an id
that has to be looked up, is sampled by a classifier, and its transcript is stored. Requests are made before the clock runs.
"""

import argparse
import http.client
import os
import queue
import statistics
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

from sqlalchemy import text

from tests.benchmarks.stage import backlog, exports, programs, services
from tests.benchmarks.stage.services import Place
from worker.store import keys

TITLE = "From OpenTelemetry spans to committed rows, 512 spans a request, 4 KB transcripts"
CONNECTIONS = 8
PROTOBUF, JSON = "application/x-protobuf", "application/json"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--rounds", type=int, default=5, help="how often each takes its turn")
    parser.add_argument("--processes", type=int, default=os.cpu_count(), help="of the server; one a core")
    parser.add_argument("--requests", type=int, default=24, help="of 512 spans, in a turn; the plain design gets one")


def run(arguments: argparse.Namespace) -> dict[str, object]:
    """Return generations per second in each encoding, by one process, and by the plain design: medians over the rounds."""
    with services.services() as running, services.place(running) as place:
        backlog.with_classifier(place)
        several = {"http_processes": arguments.processes}
        with place.engine.begin() as connection:
            key = keys.create_for_application(connection, backlog.WORKSPACE, "bench", application="bench").token
        with (
            programs.server(place.directory, backlog.environment(place, None, several)) as (address, server),
            programs.server(place.directory, backlog.environment(place, None, {}), log="one.log") as (alone, _),
            programs.plain_otlp(place.directory, {"PLAIN_DATABASE_URL": place.database_url}) as plain,
        ):
            per_second: dict[str, list[float]] = {"protobuf": [], "json": [], "one": [], "plain": []}
            cpu: list[float] = []
            for number in range(arguments.rounds + 1):  # the first is the warm-up
                seconds = {}
                bodies = _bodies(exports.in_protobuf, f"p{number}", arguments.requests)
                before = server.cpu_seconds()
                seconds["protobuf"] = _send(bodies, address, key, PROTOBUF)
                used = server.cpu_seconds() - before
                seconds["json"] = _send(_bodies(exports.in_json, f"j{number}", arguments.requests), address, key, JSON)
                seconds["one"] = _send(
                    _bodies(exports.in_protobuf, f"o{number}", arguments.requests), alone, key, PROTOBUF
                )
                seconds["plain"] = _send(_bodies(exports.in_protobuf, f"x{number}", 1), plain, key, PROTOBUF)
                if number:
                    cpu.append(used * 1000 / (arguments.requests * exports.SPANS))
                    for name, taken in seconds.items():
                        count = 1 if name == "plain" else arguments.requests
                        per_second[name].append(count * exports.SPANS / taken)
        sent = (arguments.rounds + 1) * (3 * arguments.requests + 1) * exports.SPANS
        assert _transcripts(place) == sent, f"{_transcripts(place)} transcripts of {sent}"
    medians = {name: statistics.median(taken) for name, taken in per_second.items()}
    return {
        "per_second": round(medians["protobuf"], 1),
        "per_second_lowest": round(min(per_second["protobuf"]), 1),
        "processes": arguments.processes,
        "json_per_second": round(medians["json"], 1),
        "one_process_per_second": round(medians["one"], 1),
        "plain_per_second": round(medians["plain"], 1),
        "times_plain": round(medians["protobuf"] / medians["plain"], 1),
        "cpu_ms": round(statistics.median(cpu), 3),
        "generations": sent,
    }


def _bodies(make: Callable[[str], bytes], prefix: str, count: int) -> list[bytes]:
    return [make(f"{prefix}-{number:04}") for number in range(count)]


def _send(bodies: Sequence[bytes], address: str, key: str, media_type: str) -> float:
    """Send them over a few connections and return the seconds until the last is answered."""
    headers = {"Content-Type": media_type, "Authorization": f"Bearer {key}"}
    waiting: queue.SimpleQueue[bytes] = queue.SimpleQueue()
    for body in bodies:
        waiting.put(body)

    def send(_: int) -> None:
        connection = http.client.HTTPConnection(urlsplit(address).netloc, timeout=120)
        while (body := _next(waiting)) is not None:
            connection.request("POST", "/v1/traces", body, headers)
            answer = connection.getresponse()
            told = answer.read()
            assert (answer.status, told) in ((200, b""), (200, b"{}")), (answer.status, told[:300])
        connection.close()

    with ThreadPoolExecutor(CONNECTIONS) as threads:
        start = time.perf_counter()
        list(threads.map(send, range(CONNECTIONS)))
        return time.perf_counter() - start


def _next(waiting: "queue.SimpleQueue[bytes]") -> bytes | None:
    try:
        return waiting.get_nowait()
    except queue.Empty:
        return None


def _transcripts(place: Place) -> int:
    with place.engine.connect() as connection:
        return int(connection.execute(text("select count(*) from transcripts")).scalar_one())
