"""Keep a generation within 1 MB and 20,000 turns: its first and last turns stay, the middle is left out."""

from json.encoder import encode_basestring
from typing import Any

from api_hooks.wire.contract import GENERATION_BYTES, TURNS_AT_MOST

Turn = list[Any]

_AROUND_A_TURN = 40
_NEVER_TOO_LARGE = GENERATION_BYTES // 6 // 2


def fit(turns: list[Turn]) -> tuple[list[Turn], int]:
    """Return the turns that fit, and how many do not. Sizes are those of JSON in UTF-8."""
    if len(turns) <= TURNS_AT_MOST and _is_surely_small(turns):
        return turns, 0
    sizes = [_bytes(turn) for turn in turns]
    if len(turns) <= TURNS_AT_MOST and sum(sizes) <= GENERATION_BYTES:
        return turns, 0
    first = _how_many(sizes, GENERATION_BYTES // 2)
    last = _how_many(sizes[first:][::-1], GENERATION_BYTES // 2)
    left_out = len(turns) - first - last
    return turns[:first] + turns[len(turns) - last :], left_out


def _is_surely_small(turns: list[Turn]) -> bool:
    """No character takes more than 6 bytes, so that most generations need no counting."""
    return sum(len(turn[1]) + _AROUND_A_TURN for turn in turns) <= _NEVER_TOO_LARGE


def _how_many(sizes: list[int], most_bytes: int) -> int:
    count, total = 0, 0
    for size in sizes[: TURNS_AT_MOST // 2]:
        total += size
        if total > most_bytes:
            break
        count += 1
    return count


def _bytes(turn: Turn) -> int:
    name = turn[2]
    return _AROUND_A_TURN + len(encode_basestring(turn[1]).encode()) + (len(name) * 6 if name else 0)
