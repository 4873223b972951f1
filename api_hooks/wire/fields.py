"""Fields that generations and feedback have in common, as the wire carries them."""

import re
from collections.abc import Callable, Mapping
from itertools import islice
from typing import Any

from api_hooks.wire.contract import METADATA_AT_MOST, UnusableError
from api_hooks.wire.text import as_json, plain, short

_WORKSPACE = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")
_NUMBERS_BELOW = 10**9


def workspace_of(given: Any, *, is_needed: bool) -> str | None:
    """Return the workspace's name. Raise UnusableError for what is none, and where one `is_needed`, for None."""
    if given is None and not is_needed:
        return None
    if not issubclass(type(given), str):
        raise UnusableError("workspace: there is none; name it in the call, or once in configure(workspace=…).")
    workspace = plain(given)
    if not _WORKSPACE.fullmatch(workspace):
        raise UnusableError(
            f"workspace: {workspace[:80]!r} is none; use 1 to 63 of a-z, 0-9, _ and -, with a letter or digit first."
        )
    return workspace


def metadata_of(given: Any) -> dict[str, str]:
    """Return the first 64 keys and values, cut to 512 characters; what is no text becomes JSON."""
    if not isinstance(given, Mapping):
        return {}
    kept: dict[str, str] = {}
    for key, value in islice(given.items(), 10 * METADATA_AT_MOST):
        name = short(key)
        if name is not None and value is not None and len(kept) < METADATA_AT_MOST:
            kept[name] = short(value if isinstance(value, str) else as_json(value)) or ""
    return kept


def number(given: Any) -> float | int | None:
    """A number that is not negative, and below 10**9; also a Decimal, and one written as text."""
    read = None if type(given) is bool else finite(given)
    return read if read is not None and 0 <= read < _NUMBERS_BELOW else None


def finite(given: Any) -> float | int | None:
    """Whatever is a number, or writes one, as an int or a float; None for the rest, and for what has no bound."""
    if given is None or type(given) is int:
        return given
    read = guarded(float, plain(given) if issubclass(type(given), str) else given)
    return read if read is not None and abs(read) != float("inf") and read == read else None


def whole_number(given: Any) -> int:
    """A whole number from 0 to 10**9; 0 for what is none."""
    return given if type(given) is int and 0 <= given < _NUMBERS_BELOW else 0


def guarded(read: Callable[[Any], Any], given: Any) -> Any:
    """What `read` makes of it, or None when it raises."""
    try:
        return read(given)
    except BaseException:  # noqa: BLE001 - reading other people's objects may raise anything; the field stays empty
        return None
