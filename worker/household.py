"""A worker and a beat as processes of this machine's own, beside embedded services: for `up` and the demo."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from worker.embedded import Running

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
    running: Running, environ: Mapping[str, str], *, keep: bool = False, shown: bool = False
) -> Iterator[Household]:
    """Yield a worker and a beat on the services of `running`; they end with the block, unless it ends well and `keep`.

    `shown` leaves their logs on this terminal; else they go into files of the data directory.
    """
    home = Household(data_dir=running.data_dir)
    kept = False
    try:
        for name in ("worker", "beat"):
            home.processes[name] = _start(name, running, environ, log=None if shown else home.log_of(name), keep=keep)
        yield home
        kept = keep
    finally:
        if kept:
            pids = {name: process.pid for name, process in home.processes.items()}
            (running.data_dir / STATE).write_text(json.dumps(pids))
        else:
            _stop(psutil.Process(process.pid) for process in home.processes.values() if process.poll() is None)


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
    output = None if log is None else log.open("ab")
    try:
        return subprocess.Popen(  # noqa: S603 - this interpreter, our own command
            [sys.executable, "-P", "-m", "console", name],  # -P: a folder named `console` here is not ours
            env={**os.environ, **environ, **own},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,  # Ctrl-C reaches us alone, and we end them in order
        )
    finally:
        if output is not None:
            output.close()


def _stop(processes: "Iterator[psutil.Process] | list[psutil.Process]") -> None:
    """TERM first, so that calls are finished or released; KILL only who does not listen."""
    waiting = list(processes)
    for process in waiting:
        process.send_signal(signal.SIGTERM)
    deadline = time.monotonic() + STOP_SECONDS
    _, alive = psutil.wait_procs(waiting, timeout=max(0.0, deadline - time.monotonic()))
    for process in alive:
        process.kill()
