"""Why an embedded service could not be started.

EmbeddedError
├── AlreadyRunningError      this data directory is in use
├── NoServiceProgramError    no program for this service is at hand
└── ServiceStartError        the program is there and did not come up
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
