"""A worker, a beat and a server as processes of this machine's own, beside embedded services: for `up` and the demo."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from worker.embedded import Running, launch

STATE = "processes.json"
STOP_SECONDS = 30.0


@dataclass(slots=True, kw_only=True)
class Household:
    """The processes that were started, by name."""

    data_dir: Path
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def ended(self) -> str | None:
        """The name of a process that has ended by itself, or None."""
        return next((name for name, process in self.processes.items() if process.poll() is not None), None)

    def log_of(self, name: str) -> Path:
        return self.data_dir / f"{name}.log"


@contextmanager
def household(
    running: Running,
    environ: Mapping[str, str],
    *,
    names: Sequence[str] = ("worker", "beat"),
    keep: bool = False,
    shown: bool = False,
) -> Iterator[Household]:
    """Yield processes on the services of `running`; they end with the block, unless it ends well and `keep`.

    They also end when this process is killed (on Linux); with `keep` then `stop_kept` ends them, or the next start.
    `shown` leaves their logs on this terminal; else they go into files of the data directory.
    """
    stop_kept(running.data_dir)  # the services are ours, so whoever still works here was left behind
    home = Household(data_dir=running.data_dir)
    kept = False
    try:
        for name in names:
            home.processes[name] = _start(name, running, environ, log=None if shown else home.log_of(name), keep=keep)
            if keep:
                pids = {started: process.pid for started, process in home.processes.items()}
                (running.data_dir / STATE).write_text(json.dumps(pids))
        yield home
        kept = keep
    finally:
        if not kept:
            _stop([psutil.Process(process.pid) for process in home.processes.values() if process.poll() is None])
            (running.data_dir / STATE).unlink(missing_ok=True)


def stop_kept(data_dir: Path) -> bool:
    """End what an earlier `keep` left running; return whether there was anything."""
    state = data_dir / STATE
    if not state.exists():
        return False
    found = []
    for pid in json.loads(state.read_text()).values():
        try:
            process = psutil.Process(pid)
            if "console" in process.cmdline():  # the number may be a stranger's by now
                found.append(process)
        except psutil.NoSuchProcess:
            continue
    _stop(found)
    state.unlink()
    return bool(found)


def _start(
    name: str, running: Running, environ: Mapping[str, str], *, log: Path | None, keep: bool
) -> subprocess.Popen[bytes]:
    own = {
        "AFTERTAG_DATABASE_URL": running.database_url,
        "AFTERTAG_REDIS_URL": running.redis_url,
        "PYTHONUNBUFFERED": "1",
    }
    if name == "serve":
        own["AFTERTAG_METRICS_PORT"] = "0"  # the port is the worker's
    command = [sys.executable, "-P", "-m", "console", name]  # -P: a folder named `console` here is not ours
    output = None if log is None else log.open("ab")
    try:
        return subprocess.Popen(  # noqa: S603 - this interpreter, our own command
            command if keep else [*_ending_with_us(), *command],
            env={**os.environ, **environ, **own},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,  # Ctrl-C reaches us alone, and we end them in order
        )
    finally:
        if output is not None:
            output.close()


def _ending_with_us() -> list[str]:
    """What makes the kernel send TERM to the program that follows when this process dies without a word (Linux)."""
    ids = ("-", "-")  # under our own account
    return [sys.executable, "-I", "-S", str(launch.__file__), str(os.getpid()), str(int(signal.SIGTERM)), *ids]


def _stop(processes: Sequence[psutil.Process]) -> None:
    """TERM first, so that calls are finished or released; KILL only who does not listen."""
    for process in processes:
        with suppress(psutil.NoSuchProcess):  # it ended between our look and our signal
            process.send_signal(signal.SIGTERM)
    _, alive = psutil.wait_procs(processes, timeout=STOP_SECONDS)
    for process in alive:
        process.kill()
