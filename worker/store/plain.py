"""Plain SQL as a person would write it, run so that it can only read."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Engine, text


def select(engine: Engine, statement: str) -> tuple[Sequence[str], list[Sequence[Any]]]:
    """Return the columns and rows of `statement`; a statement that would write is refused by Postgres."""
    with engine.connect() as connection:
        connection.execute(text("set transaction read only"))
        found = connection.execute(text(statement))
        return list(found.keys()), [tuple(row) for row in found]
