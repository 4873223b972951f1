"""What rows need of other rows: requests by their answers' id, traces by their observations'. Looked up while reading.

On disk, in a file without a name that ends with it: a batch's requests are hundreds of megabytes, the traces of a year
more. SQLite is at hand in every Python and keeps its memory small by itself; nothing of it outlives the command.
"""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import Any


class SeveralError(LookupError):
    """Two files hold different things under one name."""


@dataclass(frozen=True, slots=True)
class Beside:
    """A shelf of what was kept, by kind and name."""

    _shelf: sqlite3.Connection

    def keep(self, kind: str, name: str, value: Any, *, source: str) -> None:
        """Keep a value of JSON; of two under one name in one source, the first."""
        written = json.dumps(value, ensure_ascii=True, separators=(",", ":"))
        self._shelf.execute("insert or ignore into kept values (?, ?, ?, ?)", (kind, name, source, written))

    def has(self, kind: str) -> bool:
        """Whether anything of a kind was kept."""
        return self._shelf.execute("select 1 from kept where kind = ? limit 1", (kind,)).fetchone() is not None

    def look_up(self, kind: str, name: str) -> Any:
        """Return what was kept, else None. Raise SeveralError when sources differ about it."""
        found = self._shelf.execute(
            "select distinct written from kept where kind = ? and name = ? limit 2", (kind, name)
        ).fetchall()
        if len(found) > 1:
            raise SeveralError(name)
        return json.loads(found[0][0]) if found else None


@contextmanager
def shelf() -> Iterator[Beside]:
    """Yield an empty shelf; what it holds goes with it."""
    with closing(sqlite3.connect("", isolation_level=None)) as connection:
        connection.execute("pragma journal_mode = off")
        connection.execute("pragma synchronous = off")
        connection.execute(
            "create table kept (kind text, name text, source text, written text, primary key (kind, name, source))"
            " without rowid"
        )
        yield Beside(connection)
