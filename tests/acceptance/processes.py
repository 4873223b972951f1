"""Real worker and beat processes of our own command, their logs, and the ways in which they end."""

import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from tests.waiting import wait_until

ROOT = Path(__file__).parents[2]
READY = " ready."


class Process:
    """`python -P -m console NAME` with everything it writes in one file."""

    def __init__(self, name: str, environ: Mapping[str, str], log: Path) -> None:
        self.name = name
        self.log_path = log
        inherited = {key: value for key, value in os.environ.items() if not key.startswith("AFTERTAG_")}
        with log.open("ab") as out:
            self._child = subprocess.Popen(
                [sys.executable, "-P", "-m", "console", name],
                cwd=ROOT,
                env={**inherited, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1", **environ},
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        return self._child.pid

    @property
    def log(self) -> str:
        return self.log_path.read_text(errors="replace")

    @property
    def is_alive(self) -> bool:
        return self._child.poll() is None

    def wait_until_ready(self) -> None:
        wait_until(lambda: READY in self.log or not self.is_alive, what=f"a ready {self.name}")
        assert self.is_alive, self.log

    def kill(self) -> None:
        """End it as kill -9 does."""
        if self.is_alive:
            self._child.send_signal(signal.SIGKILL)
        self._child.wait(30)

    def ask_to_end(self, by: signal.Signals = signal.SIGTERM) -> None:
        """Send TERM, or what Ctrl-C sends; return at once."""
        self._child.send_signal(by)

    def exit_code(self, *, within_seconds: float) -> int:
        """Wait for its end."""
        try:
            return self._child.wait(within_seconds)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"the {self.name} did not end within {within_seconds:g} s:\n{self.log}") from None
