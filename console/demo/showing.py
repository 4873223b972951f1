"""What the demo shows on a terminal: a table of tags, bars, agreement, coverage, and SQL with its results."""

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from console import output
from console.demo.played import Played

if TYPE_CHECKING:
    from worker.store.connecting import Engine

BAR_WIDTH = 40

STATEMENTS = (
    (
        "What each department uses AI for costs",
        "select tags->>'department' as department, count(*) as generations, sum(cost_usd) as cost_usd\n"
        "from generations\n"
        "where workspace = 'demo' and created_at > now() - interval '7 days'\n"
        "group by 1 order by 3 desc nulls last limit 5",
    ),
    (
        "Who asks for which kind of task most",
        "select user_id, value as task_type, count(*)\n"
        "from generation_tags\n"
        "where workspace = 'demo' and dimension = 'task_type' and created_at > now() - interval '7 days'\n"
        "group by 1, 2 order by 3 desc, 1, 2 limit 5",
    ),
    (
        "What applications and classifiers spend, side by side",
        "select payer_kind, cost_source, count(*) as calls, sum(cost_usd) as cost_usd\n"
        "from spend\n"
        "where workspace = 'demo' and created_at > now() - interval '7 days'\n"
        "group by 1, 2 order by 1, 2",
    ),
)


def show(played: Played, engine: "Engine") -> None:
    """Write everything the demo has to show; where nothing is tagged, why."""
    if not played.tagged:
        _coverage(played)
        return
    _tags(played)
    for dimension in played.dimensions:
        _bars(dimension, played.tags)
    _agreement(played)
    _coverage(played)
    _sql(engine)


def _tags(played: Played) -> None:
    rows = [
        [id_, *(tags.get(dimension) for dimension in played.dimensions), played.openings.get(id_, "")]
        for id_, tags in sorted(played.tags.items())
    ]
    output.table(f"Tags by {played.classifier}", ["generation", *played.dimensions, "begins"], rows)


def _bars(dimension: str, tags: dict[str, dict[str, Any]]) -> None:
    from rich.bar import Bar
    from rich.table import Table

    counts = Counter(str(found[dimension]) for found in tags.values() if dimension in found)
    most = max(counts.values(), default=1)
    chart = Table(title=dimension, title_justify="left", box=None, show_header=False, pad_edge=False)
    for value, count in counts.most_common():
        chart.add_row(value, str(count), Bar(most, 0, count, width=BAR_WIDTH))
    output.line()
    output.console().print(chart)


def _agreement(played: Played) -> None:
    rows: list[Sequence[object]] = [
        [one.dimension, f"{one.share:.0%}", f"{one.commonest_share:.0%}", one.commonest, one.n]
        for one in played.agreement
    ]
    columns = ["dimension", "agrees", "always the commonest", "which is", "n"]
    output.line()
    output.table("Agreement with the tags that a person gave", columns, rows)


def _coverage(played: Played) -> None:
    rows: list[Sequence[object]] = [["tagged", played.tagged], *sorted(played.reasons.items())]
    output.line()
    output.table(f"Coverage of {played.generations} generations", ["state or reason", "generations"], rows)


def _sql(engine: "Engine") -> None:
    from worker.store import plain

    for title, statement in STATEMENTS:
        columns, rows = plain.select(engine, statement)
        output.line()
        output.line(f"-- {title}")
        output.line(f"{statement};")
        output.table(None, columns, rows)
