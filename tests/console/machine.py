"""`aftertag` as a stranger runs it: real processes of a folder of their own, and who of them is still there."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from tests.console.command_line import OF_THE_MACHINE
from tests.waiting import wait_until

ROOT = Path(__file__).parents[2]
END_SECONDS = 120.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """A command under way; what it writes goes into two files."""

    process: subprocess.Popen[bytes]
    stdout: Path
    stderr: Path

    def wait_until_it_says(self, words: str) -> None:
        wait_until(
            lambda: words in self.stderr.read_text() or self.process.poll() is not None,
            deadline_seconds=END_SECONDS,
            what=f"{words!r} on standard error",
        )
        assert words in self.stderr.read_text(), self.stderr.read_text()

    def family(self) -> list[psutil.Process]:
        """Every process that it has started and that runs now: services, worker, beat."""
        return psutil.Process(self.process.pid).children(recursive=True)

    def ended(self, end_signal: signal.Signals | None = None) -> int:
        """Send a signal, if any, and return the exit code."""
        if end_signal is not None:
            self.process.send_signal(end_signal)
        return self.process.wait(END_SECONDS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """A folder with a data directory in it, and settings."""

    folder: Path
    settings: dict[str, str] = field(default_factory=dict)

    @property
    def data_dir(self) -> Path:
        return self.folder / "home"

    @property
    def temporary(self) -> Path:
        return self.folder / "temporary"

    @contextmanager
    def running(self, *arguments: str) -> Iterator[Running]:
        """Start a command; what is left of it and its family when the block ends is killed."""
        self.temporary.mkdir(exist_ok=True)
        out, err = (self.folder / f"{arguments[0]}.{name}" for name in ("out", "err"))
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(OF_THE_MACHINE)}
        own = {"AFTERTAG_DATA_DIR": str(self.data_dir), "TMPDIR": str(self.temporary), "PYTHONPATH": str(ROOT)}
        own["AFTERTAG_HTTP_PORT"] = "0"  # several machines of the tests' are one
        with out.open("wb") as stdout, err.open("wb") as stderr:
            process = subprocess.Popen(
                [sys.executable, "-P", "-m", "console", *arguments],
                cwd=self.folder,
                env={**inherited, **own, **self.settings},
                stdin=subprocess.DEVNULL,
                stdout=stdout,
                stderr=stderr,
                start_new_session=True,
            )
        try:
            yield Running(process=process, stdout=out, stderr=err)
        finally:
            if process.poll() is None:
                process.terminate()
                process.wait(END_SECONDS)

    def done(self, *arguments: str) -> str:
        """Run a command that must succeed; return what it wrote."""
        with self.running(*arguments) as command:
            assert command.ended() == 0, command.stderr.read_text()
        return command.stdout.read_text()

    def application(self, code: str, **environment: str) -> None:
        """Run a program of somebody's own, which must succeed, with nothing of ours in its environment but this."""
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(OF_THE_MACHINE)}
        subprocess.run(
            [sys.executable, "-c", code],
            cwd=self.folder,
            env={**inherited, "PYTHONPATH": str(ROOT), **environment},
            timeout=END_SECONDS,
            check=True,
        )


def wait_until_gone(family: Sequence[psutil.Process]) -> None:
    """Fail when one of them outlives the patience that a stopping worker is given."""
    assert family
    wait_until(lambda: _nobody_of(family), deadline_seconds=END_SECONDS, what="the end of every process")


def _nobody_of(family: Sequence[psutil.Process]) -> bool:
    return not any(_is_there(one) for one in family)


def _is_there(one: psutil.Process) -> bool:
    with suppress(psutil.NoSuchProcess):  # it may end between one question and the next
        return one.is_running() and one.status() != psutil.STATUS_ZOMBIE
    return False


def command_of(one: psutil.Process) -> list[str]:
    """Its command line; nothing where it has ended meanwhile, as a connection of Postgres' does."""
    with suppress(psutil.NoSuchProcess):
        return list(one.cmdline())
    return []
