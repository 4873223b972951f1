"""The end of a worker that cannot go on: at once, as a killed one ends; leases and held messages bring back what it had."""

import logging
import os
from typing import NoReturn

import structlog

EXIT_CODE = 1

log = structlog.get_logger()


def end_now(error: BaseException) -> NoReturn:
    """Name the kind of `error`, never its message, which may quote text, and end the process with 1.

    A thread that everything depends on has broken. A process that lived on without it would claim, and finish nothing;
    whoever supervises workers starts another in its place.
    """
    log.error("a thread of the worker broke; ending, for another to take over", error=type(error).__name__)
    leave()


def leave() -> NoReturn:
    """End the process with 1, whatever its threads are at."""
    logging.shutdown()
    os._exit(EXIT_CODE)
