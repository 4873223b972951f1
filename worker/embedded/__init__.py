"""PostgreSQL and Redis without installing either: for the demo, for `aftertag up` on one machine, and for tests."""

from worker.embedded.errors import AlreadyRunningError, EmbeddedError, NoServiceProgramError, ServiceStartError
from worker.embedded.services import running_at, services, stop
from worker.embedded.state import Running

__all__ = [
    "AlreadyRunningError",
    "EmbeddedError",
    "NoServiceProgramError",
    "Running",
    "ServiceStartError",
    "running_at",
    "services",
    "stop",
]
