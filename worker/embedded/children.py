"""Child processes that never outlive their parent, and the one way to wait until one of them answers."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from worker.embedded import errors
from worker.embedded.account import Account

_POLL_SECONDS = 0.02
_LAUNCH = Path(__file__).with_name("launch.py")


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """What to start: arguments, the name people know it by, where its output goes, and as whom."""

    name: str
    arguments: Sequence[str]
    log: Path
    account: Account | None = None
    death_signal: signal.Signals = signal.SIGTERM
    """What the kernel sends when the parent dies without saying goodbye (Linux)."""


def start(program: Program, *, standard_input: bytes = b"") -> subprocess.Popen[bytes]:
    """Start a program in a session of its own, so that Ctrl-C reaches only the one who starts it.

    Call it from a thread that lives on: the kernel takes the end of the calling thread for the death of the parent.
    """
    account = program.account
    launch = [
        *(sys.executable, "-I", "-S", str(_LAUNCH)),
        *(str(os.getpid()), str(int(program.death_signal))),
        *((str(account.uid), str(account.gid)) if account else ("-", "-")),
    ]
    with program.log.open("ab") as log:
        child = subprocess.Popen(  # noqa: S603 - a fixed program, its arguments are ours
            [*launch, *program.arguments],
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            cwd="/",
        )
    assert child.stdin is not None  # noqa: S101 - it was asked for
    with suppress(BrokenPipeError):  # it has ended; whoever waits for it says why
        child.stdin.write(standard_input)
        child.stdin.close()
    return child


def wait_until_answering(
    child: subprocess.Popen[bytes], program: Program, answers: Callable[[], bool], *, deadline_seconds: float
) -> None:
    """Return as soon as `answers()` is true. Raise ServiceStartError when the child ends or the deadline passes."""
    give_up_at = time.monotonic() + deadline_seconds
    while not answers():
        try:
            code = child.wait(timeout=_POLL_SECONDS)
        except subprocess.TimeoutExpired:
            if time.monotonic() < give_up_at:
                continue
            stop(child, [signal.SIGKILL], patience_seconds=5)
            raise errors.ServiceStartError(
                f"{program.name} did not answer within {deadline_seconds:g} s: read {str(program.log)!r}."
            ) from None
        raise errors.ServiceStartError(
            f"{program.name} ended with exit code {code} while starting: "
            f"{_last_line(program.log)!r} (read {str(program.log)!r})."
        )


def stop(child: subprocess.Popen[bytes], signals: Sequence[signal.Signals], *, patience_seconds: float) -> None:
    """Send the signals one after the other, each with the same patience, until the child has ended."""
    for one in signals:
        if child.poll() is not None:
            return
        child.send_signal(one)
        try:
            child.wait(timeout=patience_seconds)
        except subprocess.TimeoutExpired:
            continue


def end_leftover(pid_file: Path, *, arguments_name: str, end_signal: signal.Signals) -> None:
    """End what a killed start left behind, or only remove its pid file when that number is a stranger's by now.

    Ours is who names `arguments_name` among its arguments. The caller holds the data directory's lock, so
    nobody else can be using these files on purpose.
    """
    if not pid_file.exists():
        return
    first_line = (pid_file.read_text().splitlines() or [""])[0]
    try:
        leftover = psutil.Process(int(first_line))
        if any(arguments_name in argument for argument in leftover.cmdline()):
            leftover.send_signal(end_signal)
            leftover.wait(timeout=30)
    except (ValueError, psutil.NoSuchProcess):
        pass  # nobody has that number any more
    pid_file.unlink(missing_ok=True)


def _last_line(log: Path) -> str:
    lines = log.read_text(errors="replace").strip().splitlines()
    return lines[-1] if lines else "no output"
