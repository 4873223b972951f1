"""The programs beside the benchmark, each in a process of its own: the model server, a worker, stock Celery."""

import json
import os
import re
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import psutil

from tests.waiting import wait_until

ROOT = Path(__file__).parents[3]
END_SECONDS = 60
_ADDRESS = re.compile(r"http://[\d.]+:\d+")


class Program:
    """A running program with its children: its CPU seconds, its resident memory, its end."""

    def __init__(self, running: subprocess.Popen[bytes], log: Path) -> None:
        self.running = running
        self.log = log

    def cpu_seconds(self) -> float:
        """User and system time of the program and its children so far."""
        return sum(times.user + times.system for times in (one.cpu_times() for one in self._members()))

    def resident_bytes(self) -> int:
        return sum(one.memory_info().rss for one in self._members())

    def is_ready(self) -> bool:
        """Whether Celery said that it takes messages; fail when it has ended instead."""
        assert self.running.poll() is None, self.log.read_text(errors="replace")[-2_000:]
        return " ready" in self.log.read_text(errors="replace")

    def address(self) -> str | None:
        """The address that it said it serves; fail when it has ended instead."""
        said = self.log.read_text(errors="replace")
        assert self.running.poll() is None, said[-2_000:]
        found = _ADDRESS.search(said) if " ready" in said else None
        return found[0] if found else None

    def _members(self) -> list[psutil.Process]:
        parent = psutil.Process(self.running.pid)
        return [parent, *parent.children(recursive=True)]


class ModelServer:
    """The test model server in a process of its own."""

    def __init__(self, port: int, program: Program) -> None:
        self.url = f"http://127.0.0.1:{port}/v1"
        self.program = program
        self._calls = f"http://127.0.0.1:{port}/calls"

    def total(self) -> int:
        """Calls so far."""
        with urllib.request.urlopen(self._calls, timeout=10) as answer:  # noqa: S310 - our own server
            return int(json.load(answer)["total"])


@contextmanager
def model_server(directory: Path, *, latency_seconds: float, hang_share: float = 0.0) -> Iterator[ModelServer]:
    """A server that answers well after `latency_seconds`; every 1/`hang_share`-th call hangs for 30 s."""
    command = [sys.executable, "-m", "tests.model_server", "--latency", str(latency_seconds)]
    command += ["--hang-share", str(hang_share)]
    with _started(command, directory / "model_server.log", {}, stdout=subprocess.PIPE) as program:
        assert program.running.stdout is not None
        port = json.loads(program.running.stdout.readline())["port"]
        yield ModelServer(port, program)


@contextmanager
def worker(directory: Path, environment: Mapping[str, str]) -> Iterator[Program]:
    """`aftertag worker` with these settings, ready."""
    command = [sys.executable, "-P", "-m", "console", "worker"]
    with _started(command, directory / "worker.log", environment) as program:
        wait_until(program.is_ready, deadline_seconds=60, what="a ready worker")
        yield program


@contextmanager
def plain_worker(directory: Path, environment: Mapping[str, str], *, pool: Sequence[str]) -> Iterator[Program]:
    """Stock Celery on `stage.plain`, ready; `pool` are its options for the pool."""
    command = [sys.executable, "-m", "celery", "-A", "tests.benchmarks.stage.plain:app", "worker", *pool]
    command += ["--loglevel", "WARNING", "--without-gossip", "--without-mingle", "--without-heartbeat"]
    with _started(command, directory / "plain.log", environment) as program:
        yield program


@contextmanager
def server(
    directory: Path, environment: Mapping[str, str], *, module: str = "console", log: str = "server.log"
) -> Iterator[tuple[str, Program]]:
    """`aftertag serve`, or a `module` in its place, with these settings on a free port: its address, and the program."""
    command = [sys.executable, "-P", "-m", module, "serve"]
    wanted = {**environment, "AFTERTAG_HTTP_PORT": "0", "AFTERTAG_LOG_FORMAT": "json"}
    with _started(command, directory / log, wanted) as program:
        wait_until(lambda: program.address() is not None, deadline_seconds=60, what="a ready server")
        yield str(program.address()), program


@contextmanager
def plain_otlp(directory: Path, environment: Mapping[str, str]) -> Iterator[str]:
    """`stage.plain_otlp` on a free port: its address."""
    command = [sys.executable, "-m", "tests.benchmarks.stage.plain_otlp"]
    with _started(command, directory / "plain_otlp.log", environment) as program:
        wait_until(lambda: program.address() is not None, deadline_seconds=60, what="the plain server")
        yield str(program.address())


@contextmanager
def _started(
    command: Sequence[str], log: Path, environment: Mapping[str, str], *, stdout: int | None = None
) -> Iterator[Program]:
    wanted = {name: value for name, value in os.environ.items() if not name.startswith("AFTERTAG_")}
    wanted |= {"PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"} | dict(environment)
    with log.open("wb") as out:
        running = subprocess.Popen(command, cwd=ROOT, env=wanted, stdout=stdout or out, stderr=out)
    try:
        yield Program(running, log)
    finally:
        running.send_signal(signal.SIGTERM)
        try:
            running.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            running.kill()
            running.wait()
        if running.stdout is not None:
            running.stdout.close()
