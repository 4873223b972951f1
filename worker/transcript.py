"""Rendering a transcript for the classifier: one text in which no turn can forge another; asking the model is next."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from worker.quoting import quoted

TURN_CHARACTERS = 5_000
TRUNCATED = "...[truncated]"
TOOLS_SHOWN = 200
NAME_CHARACTERS = 64
NOTE_CHARACTERS = 60
CHARACTERS_PER_TOKEN = 4  # an estimate; a model that finds the result too long gets half of it once more

_LABELS = {
    "system": "SYSTEM",
    "user": "USER",
    "assistant": "ASSISTANT",
    "tool_call": "TOOL_CALL",
    "tool_result": "TOOL_RESULT",
}
_NAME = re.compile(r"[^\w.\-/]+")
_NAMED = ("tool_call", "tool_result")
_COMPLETION = ("assistant", "tool_call")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendered:
    """The classifier's one user message, and how many turns were left out of its middle to fit."""

    text: str = field(repr=False)
    left_out: int


def render(
    turns: Sequence[Sequence[Any]], tools: Sequence[str], *, left_out: int, prompts_only: bool, characters: int
) -> Rendered:
    """Render `turns` ((kind, text, name, length), …) within about `characters` characters.

    Each turn is cut to its first 5,000 characters. What does not fit is left out from the middle, turn by turn, and
    the text says so; the first and the last turn always stay, cut further if need be.
    """
    shown = _prompts(turns) if prompts_only else turns
    after_system = 1 if shown and shown[0][0] == "system" else 0
    head = _tools(tools, characters // 4)
    if left_out:
        head.append(_note(left_out, "when this was recorded"))
    parts, dropped = _fit(
        [_turn(*turn) for turn in shown], after_system=after_system, characters=characters - _length(head)
    )
    return Rendered(text="\n".join([*parts[:after_system], *head, *parts[after_system:]]), left_out=dropped)


def _turn(kind: str, text: str, name: str | None, length: int | None) -> str:
    cut = len(text) > TURN_CHARACTERS or (length or 0) > TURN_CHARACTERS
    body = quoted(text[:TURN_CHARACTERS] if cut else text)
    label = f"{_LABELS[kind]} {_name(name)}" if name and kind in _NAMED else _LABELS[kind]
    return f"{label}: {body}{TRUNCATED}" if cut else f"{label}: {body}"


def _tools(names: Sequence[str], characters: int) -> list[str]:
    if not names:
        return []
    more = f", and {len(names) - TOOLS_SHOWN} more" if len(names) > TOOLS_SHOWN else ""
    return [_cut(f"TOOLS: {', '.join(_name(name) for name in names[:TOOLS_SHOWN])}{more}", characters)]


def _name(name: str) -> str:
    """A tool's name as one word: no line end, blank or colon of it can look like structure."""
    return _NAME.sub("_", name[:NAME_CHARACTERS])


def _prompts(turns: Sequence[Sequence[Any]]) -> Sequence[Sequence[Any]]:
    """The turns without the completion: what the assistant wrote after the last word of anybody else."""
    end = len(turns)
    while end and turns[end - 1][0] in _COMPLETION:
        end -= 1
    return turns[:end]


def _fit(parts: list[str], *, after_system: int, characters: int) -> tuple[list[str], int]:
    """Leave parts out from the middle until the rest fits; return them and how many are gone."""
    if _length(parts) <= characters:
        return parts, 0
    first = parts[: after_system + 1]
    rest = parts[after_system + 1 :]
    room = characters - _length(first) - NOTE_CHARACTERS
    kept: list[str] = []
    for part in reversed(rest):
        if kept and room < len(part) + 1:
            break
        kept.append(part)
        room -= len(part) + 1
    dropped = len(rest) - len(kept)
    middle = [_note(dropped, "to fit the model's context")] if dropped else []
    fitted = [*first, *middle, *reversed(kept)]
    if _length(fitted) > characters:
        share = _share([len(part) + 1 for part in fitted], characters) - 1
        fitted = [_cut(part, share) for part in fitted]
    return fitted, dropped


def _share(lengths: list[int], characters: int) -> int:
    """The length to cut to so that all fit: what is shorter leaves its rest to the others."""
    for number, length in enumerate(sorted(lengths)):
        share = characters // (len(lengths) - number)
        if length > share:
            return share
        characters -= length
    return max(lengths)


def _cut(part: str, characters: int) -> str:
    return part if len(part) <= characters else f"{part[: max(characters - len(TRUNCATED), 0)]}{TRUNCATED}"


def _length(parts: Sequence[str]) -> int:
    return sum(map(len, parts)) + len(parts)


def _note(turns: int, why: str) -> str:
    return f"[{turns} {'turn was' if turns == 1 else 'turns were'} left out {why}]"
