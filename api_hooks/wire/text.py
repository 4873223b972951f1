"""Text that may go over the wire: cut to what is kept, and free of what Postgres cannot store."""

import json
import re
from collections.abc import Sequence
from typing import Any

from api_hooks.wire.contract import SHORT_CHARACTERS, TURN_CHARACTERS, UNREADABLE

_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
KEPT_CHARACTERS = TURN_CHARACTERS + 1


def plain(text: str) -> str:
    """The characters of any kind of string, whatever its class overrides."""
    return text if type(text) is str else str.__getitem__(text, slice(None))


def clean(text: str) -> str:
    """Replace NUL and lone surrogates by U+FFFD."""
    if not text.isascii():
        try:
            text.encode()  # a fifth of what looking for surrogates costs
        except UnicodeEncodeError:
            return _UNSTORABLE.sub("\ufffd", text)
    return text.replace("\x00", "\ufffd")


def cut(text: str, most: int = KEPT_CHARACTERS) -> tuple[str, int | None]:
    """Return what a turn keeps of a text, and its full length in characters when that is not all of it."""
    if len(text) <= most:
        return clean(text), None
    return clean(text[:most]), len(text)


def cut_lines(lines: Sequence[str], most: int = KEPT_CHARACTERS) -> tuple[str, int | None]:
    """`cut` of the lines joined, without joining what is thrown away."""
    if len(lines) == 1:
        return cut(lines[0], most)
    length = sum(map(len, lines)) + max(0, len(lines) - 1)
    kept: list[str] = []
    missing = most
    for line in lines:
        kept.append(line[:missing])
        missing -= len(line) + 1
        if missing <= 0:
            break
    joined = clean("\n".join(kept)[:most])
    return joined, length if length > most else None


def short(given: Any) -> str | None:
    """A name as the wire carries it: at most 512 characters; None for what is no name, and for no characters."""
    if given is None:
        return None
    if type(given) in (int, float):
        return str(given)[:SHORT_CHARACTERS]
    if not issubclass(type(given), str):
        return None
    return clean(plain(given)[:SHORT_CHARACTERS]) or None


def as_json(given: Any) -> str:
    """Whatever JSON can say, as text; `[unreadable]` for the rest."""
    try:
        return json.dumps(given, ensure_ascii=False, default=_dumped)
    except (ValueError, TypeError, RecursionError):
        return UNREADABLE


def _dumped(given: Any) -> Any:
    dump = getattr(given, "model_dump", None)
    return dump() if callable(dump) else UNREADABLE
