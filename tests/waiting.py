"""Waiting for what another thread or process does: the one place in the tests that lets time pass."""

import time
from collections.abc import Callable
from threading import Event
from typing import TypeVar

T = TypeVar("T")

_POLL_SECONDS = 0.02


def wait_until(condition: Callable[[], T], *, deadline_seconds: float = 10.0, what: str = "the condition") -> T:
    """Return the first true value of `condition()`. Fail the test when the deadline passes without one."""
    give_up_at = time.monotonic() + deadline_seconds
    while not (value := condition()):
        if time.monotonic() > give_up_at:
            raise AssertionError(f"{what} did not come true within {deadline_seconds:g} s; last seen: {value!r}")
        Event().wait(_POLL_SECONDS)
    return value
