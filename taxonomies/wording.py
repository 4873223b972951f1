"""The text a configuration may hold: names and prose, each checked with a message that says what to do."""

import re
import reprlib
from typing import Annotated, TypeVar

from pydantic import AfterValidator
from pydantic_core import PydanticCustomError

NAME_CHARACTERS = 64

_Entry = TypeVar("_Entry")

_NAME = re.compile(r"[a-z0-9_]+")
_UNWRITABLE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")


def problem(message: str) -> PydanticCustomError:
    """Return the error a validator raises to have exactly `message` reported at its path."""
    return PydanticCustomError("aftertag", "{message}", {"message": message})


def quoted(value: object) -> str:
    """Return `repr(value)`, shortened to about 60 characters."""
    short = reprlib.Repr()
    short.maxstring = short.maxother = 60
    return short.repr(value)


def _check_name(name: str) -> str:
    if not name:
        raise problem("is empty; give it a name")
    if len(name) > NAME_CHARACTERS:
        raise problem(f"has {len(name)} characters; use at most {NAME_CHARACTERS}")
    if not _NAME.fullmatch(name) or name.strip("_") != name:
        raise problem(f"{quoted(name)} is not snake_case; use a-z, 0-9 and _ inside{_suggestion(name)}")
    return name


def _check_dimension_name(name: str) -> str:
    if _check_name(name)[0].isdigit():
        raise problem(f"{quoted(name)} begins with a digit; begin with a letter")
    return name


def _suggestion(name: str) -> str:
    snake = re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")
    return f", for example {snake!r}" if snake else ""


def _check_prose(text: str) -> str:
    if found := _UNWRITABLE.search(text):
        raise problem(f"holds the character {found.group()!r} at position {found.start()}; remove it")
    return text


def _check_not_empty(entries: tuple[_Entry, ...]) -> tuple[_Entry, ...]:
    if not entries:
        raise problem("is empty; give at least one entry")
    return entries


ValueName = Annotated[str, AfterValidator(_check_name)]
DimensionName = Annotated[str, AfterValidator(_check_dimension_name)]
Prose = Annotated[str, AfterValidator(_check_prose)]
"""Text that Postgres, JSON and every provider accept: no control characters, no lone surrogates."""

NotEmpty = AfterValidator(_check_not_empty)
"""Unlike `min_length`, says nothing where the entries themselves are wrong: pydantic counts only the right ones."""
