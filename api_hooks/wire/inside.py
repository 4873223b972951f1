"""JSON inside of a text, as exports and spans carry it; documents are made of what it says."""

import json
from typing import Any


def opened(value: Any) -> Any:
    """What a text that is JSON says: an object, a list or a string; other text, and what is no text, as it is."""
    if not isinstance(value, str) or value.lstrip()[:1] not in ("{", "[", '"'):
        return value
    try:
        return json.loads(value)
    except (ValueError, RecursionError):
        return value
