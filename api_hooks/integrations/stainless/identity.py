"""By which id a call is recorded, read while the caller waits: for spans of other instruments that are about to end."""

import json
import os
import time
from collections.abc import Sequence
from typing import Any

from api_hooks.integrations.stainless.assembling import Assembly
from api_hooks.wire import naming
from api_hooks.wire.identity import uuid7

READ_BYTES = 1_000_000
"""Of a response; what is larger, most of it an image, gets an id of its own rather than the caller's time."""


def told(output: Any) -> str | None:
    """Return the id that the sending thread would find in `output`, as `calls.Call.hand_over` takes it; None without one."""
    try:
        if isinstance(output, Assembly):
            return naming.call_id(output.beginning())
        return naming.call_id(json.loads(output)) if output is not None and len(output) <= READ_BYTES else None
    except (ValueError, RecursionError):
        return None


def told_early(form: str, first: Sequence[str]) -> tuple[bool, str | None]:
    """Return whether a stream's first events have its id already, and `told` of them."""
    assembly = Assembly(form)
    assembly.leave(first)
    beginning = assembly.beginning()
    return naming.is_named(beginning), naming.call_id(beginning)


def new() -> str:
    """Return an id for a call whose provider's does not tell calls apart: so its spans and ours name it alike."""
    return uuid7(int(time.time() * 1000), os.urandom(10))
