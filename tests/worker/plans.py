"""The plans of the store's own statements: as they are sent, with their values, explained instead of run."""

import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Engine, event


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """One statement's plan after it ran. `rows_read` counts all rows that its scans looked at."""

    statement: str
    nodes: list[dict[str, Any]]
    seconds: float

    @property
    def partitions(self) -> set[str]:
        """The days that were looked into, by partition; what was pruned or never reached is left out."""
        return {
            node["Relation Name"]
            for node in self.nodes
            if re.search(r"_\d{8}$", node.get("Relation Name", "")) and node.get("Actual Loops", 1) > 0
        }

    @property
    def sequential(self) -> set[str]:
        """The partitions with rows in them that were read from end to end."""
        read = {node["Relation Name"] for node in self.nodes if node["Node Type"] == "Seq Scan" and _rows_read(node)}
        return self.partitions & read

    @property
    def rows_read(self) -> int:
        return sum(_rows_read(node) for node in self.nodes if "Scan" in node["Node Type"] and "Relation Name" in node)

    def __str__(self) -> str:
        scans = [
            f"{node['Node Type']} {node.get('Relation Name', '')} rows {_rows_read(node)} loops {node['Actual Loops']}"
            for node in self.nodes
            if node["Actual Loops"]
        ]
        return "\n".join([f"{self.seconds:.3f} s", *scans, self.statement])


def of(engine: Engine, work: Callable[[Connection], object]) -> list[Plan]:
    """Return the plans of all statements on partitioned tables that `work` sends, in order; nothing stays written."""
    with engine.connect() as connection:
        with _explained(engine) as plans:
            work(connection)
        connection.rollback()
    return plans


@contextmanager
def _explained(engine: Engine) -> Iterator[list[Plan]]:
    plans: list[Plan] = []

    def explain(
        connection: Connection, cursor: Any, statement: str, parameters: Any, context: Any, executemany: bool
    ) -> None:
        if not re.search(r"\b(generations|transcripts|classifications|feedback)\b", statement):
            return
        cursor.execute("savepoint explained")
        cursor.execute(f"explain (analyze, format json) {statement}", parameters)
        [(found,)] = cursor.fetchall()
        cursor.execute("rollback to savepoint explained")
        document = found if isinstance(found, list) else json.loads(found)
        plans.append(
            Plan(
                statement=statement,
                nodes=list(_nodes(document[0]["Plan"])),
                seconds=document[0]["Execution Time"] / 1000,
            )
        )

    event.listen(engine, "before_cursor_execute", explain)
    try:
        yield plans
    finally:
        event.remove(engine, "before_cursor_execute", explain)


def _rows_read(node: dict[str, Any]) -> int:
    looked_at: float = node["Actual Rows"] + node.get("Rows Removed by Filter", 0)
    return round(looked_at * node["Actual Loops"])


def _nodes(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield node
    for inner in node.get("Plans", ()):
        yield from _nodes(inner)
