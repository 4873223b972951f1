"""Show every turn's text to a sender's own function, before what is sent of it is cut."""

from collections.abc import Callable
from typing import Any

from api_hooks.wire.contract import TURN_CHARACTERS, WITHHELD
from api_hooks.wire.text import KEPT_CHARACTERS, clean, plain

Redact = Callable[[str], str | None]
"""Return the text to send, or None to withhold it; must not raise."""

SEEN_CHARACTERS = 4 * TURN_CHARACTERS
_LONGEST_SECRET = TURN_CHARACTERS


def redacted(turns: list[list[Any]], redact: Redact) -> list[list[Any]]:
    """Return the turns, cut to SEEN_CHARACTERS before, as they may be sent: redacted, and cut to what a turn keeps."""
    return [_redacted(*turn, redact=redact) for turn in turns]


def redacted_text(text: str, redact: Redact, *, is_cut: bool) -> str:
    """Return what `redact` makes of a text, or that it is withheld; `is_cut` says that the text goes on.

    Where it was cut may be the middle of a secret, which so went unnoticed, and redacting may have made the rest so
    short that this end would be among what is kept: it is taken off.
    """
    made = redact(text) if text else text
    if made is None:
        return WITHHELD
    made = plain(made)
    return clean(made[:-_LONGEST_SECRET] if is_cut else made)


def _redacted(kind: str, text: str, name: str | None, length: int | None, *, redact: Redact) -> list[Any]:
    made = redacted_text(text, redact, is_cut=length is not None and len(text) == SEEN_CHARACTERS)
    if made == WITHHELD:
        return [kind, made, name, None]
    kept = made[:KEPT_CHARACTERS]
    full = len(made) if length is None else length
    return [kind, kept, name, full if full > len(kept) else None]
