"""Responses that a provider works out in the background: remembered as they are asked for, until they are retrieved.

An answer does not say what was asked. So only the process that asked hands it over, once, when it first sees it complete.
"""

import json
from typing import Any

from api_hooks import current
from api_hooks.integrations.stainless.identity import READ_BYTES
from api_hooks.integrations.stainless.reading import UNFINISHED

AWAITED_BYTES = 8_000_000
"""What is kept of requests that wait for their answers; beyond it the oldest are forgotten, and counted as lost."""

_ANSWERED = ("completed", "incomplete")
_ENDED = (*_ANSWERED, "failed", "cancelled")

# Read and written by any thread, and by forked children, hence without a lock: each step is one of the interpreter's.
_awaited: dict[str, tuple[Any, int]] = {}


def await_answer(call: Any, size: int, output: Any) -> bool:
    """Remember a call, which keeps about `size` bytes, if its answer is still to come. Return whether that is so."""
    answered = _document(output)
    response_id = answered.get("id")
    if answered.get("status") not in UNFINISHED or not isinstance(response_id, str):
        return False
    _awaited[response_id] = (call, size)
    kept = 0
    for awaited, (_, size_of_it) in reversed(list(_awaited.items())):
        kept += size_of_it
        if kept > AWAITED_BYTES and _awaited.pop(awaited, None) is not None:
            current.count_lost("not_retrieved")
    return True


def answered_call(url: str, response: Any) -> Any | None:
    """Return the call that this is the answer to, which was retrieved from `url`; None where it is none, or not yet."""
    response_id = url.partition("?")[0].rpartition("/responses/")[2]
    if response_id not in _awaited or not response.is_closed:
        return None
    content = response.content
    status = _document(content).get("status") if len(content) <= READ_BYTES else "completed"
    call, _ = _awaited.pop(response_id, (None, 0)) if status in _ENDED else (None, 0)
    return call if status in _ANSWERED else None


def _document(content: Any) -> dict[str, Any]:
    try:
        document = json.loads(content) if isinstance(content, bytes) and len(content) <= READ_BYTES else None
    except (ValueError, RecursionError):
        return {}
    return document if isinstance(document, dict) else {}
