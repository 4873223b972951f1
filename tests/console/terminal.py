"""`aftertag` as a person runs it at a terminal, who types what is given."""

import os
import pty
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.console.command_line import OF_THE_MACHINE

ROOT = Path(__file__).parents[2]
END_SECONDS = 60.0


def at_a_terminal(
    arguments: Sequence[str], *, typed: str, settings: Mapping[str, str], folder: Path
) -> tuple[str, int]:
    """Run a command to its end; return what the terminal showed, and the exit code."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(OF_THE_MACHINE)}
    own = {"AFTERTAG_DATA_DIR": str(folder / "home"), "PYTHONPATH": str(ROOT), "TERM": "dumb", "COLUMNS": "200"}
    screen, inside = pty.openpty()
    try:
        os.write(screen, typed.encode())
        command = [sys.executable, "-P", "-m", "console", *arguments]
        process = subprocess.Popen(
            command,
            env={**inherited, **own, **settings},
            stdin=inside,
            stdout=inside,
            stderr=inside,
            start_new_session=True,
        )
        os.close(inside)
        shown = b"".join(iter(lambda: _read(screen), b""))
        return shown.decode().replace("\r\n", "\n"), process.wait(END_SECONDS)
    finally:
        os.close(screen)


def _read(screen: int) -> bytes:
    try:
        return os.read(screen, 65_536)
    except OSError:  # nobody has the terminal open any more
        return b""
