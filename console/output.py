"""What the console writes: tables for people, JSON for scripts, notes and problems on standard error."""

import json
import sys
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import UUID

if TYPE_CHECKING:
    from rich.console import Console

NATURAL_WIDTH = 10_000
"""Columns of a table that goes into a file or a pipe: nothing is cut there."""

# Names come from other people's applications; a terminal must show their control characters and not obey them.
_VISIBLE = {code: f"\\x{code:02x}" for code in (*range(32), *range(127, 160))} | {
    code: f"\\u{code:04x}" for code in (*range(0x202A, 0x202F), *range(0x2066, 0x206A))
}
_VISIBLE_IN_LINES = {code: text for code, text in _VISIBLE.items() if chr(code) not in "\n\t"}


def line(text: str = "") -> None:
    """Write one line of results."""
    print(text.translate(_VISIBLE_IN_LINES))  # noqa: T201 - this is where the console writes


def document(text: str) -> None:
    """Write a configuration as it is, for a file: its characters were checked when it was read."""
    print(text.rstrip("\n"))  # noqa: T201


def note(text: str) -> None:
    """Write one line about what was done, on standard error: results stay alone on standard output."""
    print(text.translate(_VISIBLE_IN_LINES), file=sys.stderr)  # noqa: T201


def problem(sentence: str) -> None:
    """Write what went wrong, on standard error, without a traceback."""
    print(sentence.translate(_VISIBLE_IN_LINES), file=sys.stderr)  # noqa: T201


def table(title: str | None, columns: Sequence[str], rows: Iterable[Sequence[object]], *, empty: str = "none") -> None:
    """Write a table; numbers stand right, None is `-`. Without rows the word `empty` stands for it."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    values = [list(row) for row in rows]
    if not values:
        return line(f"{title}: {empty}" if title else empty)
    found = Table(
        title=Text(shown(title)) if title else None, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False
    )
    for place, column in enumerate(columns):
        found.add_column(column, overflow="fold", justify="right" if _are_numbers(values, place) else "left")
    for row in values:
        found.add_row(*(Text(shown(value)) for value in row))
    return console().print(found)


def diff(unified: str) -> None:
    """Write a unified diff, in colours on a terminal."""
    from rich.text import Text

    styles = {"+": "green", "-": "red", "@": "cyan"}
    for one in unified.splitlines():
        console().print(Text(one.translate(_VISIBLE_IN_LINES), style=styles.get(one[:1], "")), soft_wrap=True)


def json_object(value: object) -> None:
    """Write `value` as one JSON document: times in ISO 8601, amounts as numbers, ids as text."""
    text = json.dumps(value, indent=2, default=_plain, ensure_ascii=not _writes_utf8())
    print(text)  # noqa: T201


def shown(value: object) -> str:
    """Return a cell's text: None is `-`, several values are joined by commas, times have seconds."""
    match value:
        case None:
            return "-"
        case bool():
            return "yes" if value else "no"
        case datetime():
            return value.strftime("%Y-%m-%d %H:%M:%S")
        case Decimal():
            return f"{value.normalize():f}"
        case list() | tuple() | set() | frozenset():
            return ", ".join(shown(one) for one in value)
        case _:
            return str(value).translate(_VISIBLE)


def console() -> "Console":
    """Return a rich console on standard output, as wide as the terminal or, elsewhere, as its content."""
    from rich.console import Console

    return Console(width=None if sys.stdout.isatty() else NATURAL_WIDTH, highlight=False, markup=False, emoji=False)


def _are_numbers(rows: Sequence[Sequence[object]], place: int) -> bool:
    found = [row[place] for row in rows if row[place] is not None]
    return bool(found) and all(isinstance(value, int | float | Decimal) for value in found)


def _plain(value: object) -> object:
    match value:
        case datetime() | date():
            return value.isoformat()
        case Decimal():
            return int(value) if value == value.to_integral_value() else float(value)
        case UUID() | Path():
            return str(value)
        case set() | frozenset():
            return sorted(value)
        case _:
            raise TypeError(f"{type(value).__name__} has no JSON form")


def _writes_utf8() -> bool:
    return (sys.stdout.encoding or "").lower().replace("-", "") == "utf8"
