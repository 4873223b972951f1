"""What stands in Postgres after a fault: one look at every classification, and what must be true of all of them."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import psycopg
from psycopg.rows import class_row

FINAL = ("tagged", "failed", "not_run")


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """One classification as an operator would see it."""

    workspace: str
    generation_id: str
    state: str
    reason: str | None
    attempts: int
    lost_leases: int
    tags: dict[str, Any] | None
    cost_usd: float | None

    @property
    def why(self) -> str:
        """The one answer to "why is this not tagged?"; `tagged` where it is."""
        return self.reason or self.state


class Database:
    """SQL of the tests' own, each on a connection of its own: servers come and go under it."""

    def __init__(self, url: str) -> None:
        self.url = url

    def classifications(self) -> dict[str, Seen]:
        """Every classification by its generation's id. A second row for one id fails the test."""
        found: dict[str, Seen] = {}
        with psycopg.connect(self.url) as connection, connection.cursor(row_factory=class_row(Seen)) as cursor:
            cursor.execute("""
                select workspace, generation_id, state, reason, attempts, lost_leases, tags, cost_usd::float8
                from classifications
            """)
            for row in cursor:
                assert row.generation_id not in found, f"{row.generation_id} stands twice"
                found[row.generation_id] = row
        return found

    def whys(self) -> Counter[str]:
        """How many classifications there are of each reason or state."""
        return Counter(seen.why for seen in self.classifications().values())

    def count(self, table: str) -> int:
        return int(self.value(f"select count(*) from {table}"))  # noqa: S608 - a table that a test names

    def value(self, query: str, values: Mapping[str, object] | None = None) -> Any:
        """The first column of the first row."""
        with psycopg.connect(self.url) as connection:
            row = connection.execute(query, values).fetchone()  # type: ignore[call-overload]
            return None if row is None else row[0]

    def execute(self, statement: str, values: Mapping[str, object] | None = None) -> int:
        """Change something; return how many rows."""
        with psycopg.connect(self.url) as connection:
            return int(connection.execute(statement, values).rowcount)  # type: ignore[call-overload]

    def empty(self) -> None:
        """Remove every row of every table; the days that were made stay."""
        self.execute("""
            truncate generations, transcripts, classifications, set_aside, losses, workspaces, members, api_keys,
                     classifiers, classifier_versions, classifier_spend
        """)

    def make_due(self) -> None:
        """Let the time pass that rows wait for."""
        self.execute("update classifications set due_at = now() where state in ('pending', 'retrying')")

    def let_pass(self, time: timedelta) -> None:
        """Put every first attempt that much further back."""
        self.execute(
            "update classifications set first_attempt_at = first_attempt_at - %(time)s where first_attempt_at is not null",
            {"time": time},
        )
