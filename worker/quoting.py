"""Quoting what a turn says, so that no line of it can be read as one of the transcript's own.

This reads every character of every transcript (100 MB/s and more), so plain text is searched as a whole, and of other
text only those lines are looked at that have a colon near their beginning, or a bracket and a number.
"""

import re
import unicodedata
from functools import lru_cache

_WORDS = ("system", "user", "assistant", "tool", "left out")
# Whatever stands around the words and is no letter or digit (blanks, quotes, emphasis) is passed over.
_IMITATION = re.compile(
    r"^[^a-z0-9\n]*(?:"
    r"(?:system|user|assistant|tools?)[^a-z0-9\n]*:"
    r"|tool[^a-z0-9\n]*(?:call|result)[^:\n]{0,200}:"
    r"|[0-9]+ turns? (?:was|were) left out"
    r")",
    re.MULTILINE,
)
_ASCII_IMITATION = re.compile(_IMITATION.pattern.encode(), re.MULTILINE)
_ASCII_WORDS = tuple(word.encode() for word in _WORDS)
_INVISIBLE = bytes(range(9)) + bytes(range(14, 32)) + b"\x7f"
_LOWER = bytes(range(256)).lower()
_ODD_LINE_ENDS = b"\r\x0b\x0c\x1c\x1d\x1e"  # of those that `splitlines` knows

_COLONS = "\u02d0\u0589\u05c3\u205a\u2236\ua789\ufe13\ufe30\ufe55\uff1a"
_NUMBERED = re.compile(r"[\[(<{（［【〔][\W_]*\d")
_BEGINNING = 300
_IMITATED = re.compile(
    r"(?:system|user|assistant|tools?|tool(?:call|result)[a-z0-9]*):|[0-9]+turns?(?:was|were)leftout.*"
)
# Letters without a shape are passed over like blanks; letters in circles, which are no letters to `re`, are not.
_FIRST = re.compile(
    "(?:(?![\u249c-\u24e9\U0001f110-\U0001f12b])[\\W_\u115f\u1160\u17b4\u17b5\u3164\uffa0])*(.)", re.DOTALL
)
_INITIALS = frozenset("suat0123456789")
_NEITHER_LATIN_NOR_COLON = re.compile(r"[^a-z0-9:]+")
_LOOKS_LIKE = str.maketrans(
    {
        **dict(zip("ѕутемаіосүԁԛԝ", "sytemaiocydqw", strict=True)),  # Cyrillic
        **dict(zip("τεμυαιονı", "temyaioni", strict=True)),  # Greek, and an i without its dot
        **dict(zip("սոꜱʏᴛᴇᴍᴜʀᴀɪɴᴏʟᴄ", "unsytemurainolc", strict=True)),  # Armenian, small capitals
    }
)


def quoted(text: str) -> str:
    """Put `> ` before every line of `text` that could be read as one of the transcript's own."""
    plain = _with_plain_line_ends(text)
    if plain.isascii():
        return _quoted_ascii(plain)
    seen = plain
    for colon in _COLONS:
        seen = seen.replace(colon, ":")
    numbered = _NUMBERED.search(seen) is not None
    return _quote(plain.split("\n"), [(numbered or ":" in line) and _imitates(line) for line in seen.split("\n")])


def _with_plain_line_ends(text: str) -> str:
    """Every line end that Unicode knows becomes the one we look at; the last line's own is dropped."""
    if text.isascii() and len(text.encode().translate(None, _ODD_LINE_ENDS)) == len(text):
        return text.removesuffix("\n")
    return "\n".join(text.splitlines())


def _quoted_ascii(plain: str) -> str:
    """Most text comes this way: it is searched whole, as bytes, and taken apart into lines only where that matters."""
    seen = plain.encode().translate(_LOWER, _INVISIBLE)
    if b":" not in seen and b"left out" not in seen:
        return plain  # every imitation has one of the two
    if not any(word in seen for word in _ASCII_WORDS) or not _ASCII_IMITATION.search(seen):
        return plain
    return _quote(plain.split("\n"), [bool(_ASCII_IMITATION.match(line)) for line in seen.split(b"\n")])


def _quote(lines: list[str], imitations: list[bool]) -> str:
    if True not in imitations:
        return "\n".join(lines)
    return "\n".join(f"> {line}" if imitates else line for line, imitates in zip(lines, imitations, strict=True))


def _imitates(line: str) -> bool:
    beginning, colon, _ = line[:_BEGINNING].partition(":")
    if not colon and not _NUMBERED.search(beginning):
        return False
    first = _FIRST.match(beginning)
    if first is None or not _may_begin(first[1]):
        return False
    if beginning.isascii() and beginning.isprintable():
        return _IMITATION.match(f"{beginning.lower()}{colon}") is not None
    return _IMITATED.fullmatch(_skeleton(beginning) + colon) is not None


@lru_cache(maxsize=4096)
def _may_begin(character: str) -> bool:
    return _skeleton(character)[:1] in _INITIALS


def _skeleton(beginning: str) -> str:
    """What is left without accents, blanks, invisible and all other characters: of `Ｕ S\u200bÉR ` it is `user`."""
    letters = unicodedata.normalize("NFKD", beginning).casefold().translate(_LOOKS_LIKE)
    return _NEITHER_LATIN_NOR_COLON.sub("", letters)
