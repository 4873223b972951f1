"""Why embedded services could not be started or ended.

EmbeddedError
├── AlreadyRunningError      this data directory is in use
├── NoServiceProgramError    no program for this service is at hand
├── ServiceStartError        the program is there and did not come up
└── ServiceStopError         who runs them did not end in time
"""

from pathlib import Path


class EmbeddedError(Exception):
    """Root of everything that can go wrong with embedded services."""


class AlreadyRunningError(EmbeddedError):
    """The data directory is in use by the process `pid` (None when it has not said yet)."""

    def __init__(self, data_dir: Path, pid: int | None) -> None:
        by_whom = f" (pid {pid})" if pid is not None else ""
        super().__init__(
            f"Aftertag is already running in {str(data_dir)!r}{by_whom}: "
            "stop it first, or set AFTERTAG_DATA_DIR to another directory."
        )
        self.data_dir = data_dir
        self.pid = pid


class NoServiceProgramError(EmbeddedError):
    """No program for a service is at hand; the message says what to install or which setting to give."""


class ServiceStartError(EmbeddedError):
    """A service ended or stayed silent while starting; the message names its log."""


class ServiceStopError(EmbeddedError):
    """The process `pid`, which runs the services of the data directory, did not end in time."""

    def __init__(self, data_dir: Path, pid: int) -> None:
        super().__init__(
            f"What runs in {str(data_dir)!r} has been told to end and has not yet (pid {pid}); look again in a minute."
        )
