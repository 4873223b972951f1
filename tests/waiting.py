"""Waiting for what another thread or process does: the one place in the tests that lets time pass."""

import time
from collections.abc import Callable
from threading import Event
from typing import TypeVar

T = TypeVar("T")

_SHORTEST_SECONDS, _LONGEST_SECONDS = 0.005, 0.1
_SHARE = 0.1
"""Of the time that it has waited for already: a look is often a connection to Postgres, and the machine has others to serve."""


def wait_until(condition: Callable[[], T], *, deadline_seconds: float = 30.0, what: str = "the condition") -> T:
    """Return the first true value of `condition()`. Fail the test when the deadline passes without one."""
    began = time.monotonic()
    while not (value := condition()):
        waited = time.monotonic() - began
        if waited > deadline_seconds:
            raise AssertionError(f"{what} did not come true within {deadline_seconds:g} s; last seen: {value!r}")
        Event().wait(min(max(_SHARE * waited, _SHORTEST_SECONDS), _LONGEST_SECONDS))
    return value
