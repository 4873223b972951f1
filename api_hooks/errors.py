"""Everything this package raises; `enqueue` raises none of it.

HookError
├── SettingsError      configure(): a setting is unknown or out of its bounds
└── SendError          inside: a batch could not be sent; it stays and is tried again
    ├── BrokerFullError    inside: the queue holds as many bytes as it may; the batch is dropped and counted
    └── RefusedError       inside: the server will never take this batch; it is dropped and counted
        └── TooLargeError      inside: it is too large; its halves are sent, a generation by itself is dropped
"""


class HookError(Exception):
    """The root of what this package raises."""


class SettingsError(HookError, ValueError):
    """A setting is unknown or out of its bounds."""


class SendError(HookError):
    """A batch could not be sent. The other side may say how long it wants to be left alone."""

    def __init__(self, message: str, *, wait_seconds: float = 0.0) -> None:
        super().__init__(message)
        self.wait_seconds = wait_seconds


class BrokerFullError(SendError):
    """The queue holds as many bytes as it may."""


class RefusedError(SendError):
    """The server will never take this batch."""


class TooLargeError(RefusedError):
    """The server takes no batch as large as this one."""
