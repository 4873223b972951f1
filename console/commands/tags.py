"""`aftertag tags`: how often each value was given, what it cost, and how much is not tagged and why."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from console import options, output, reading, session

if TYPE_CHECKING:
    from worker.store.reports import Coverage, TagCount


def register(app: typer.Typer) -> None:
    app.command()(tags)


def tags(
    workspace: reading.Workspace = None,
    dimension: Annotated[str | None, typer.Option(help="Only this dimension.")] = None,
    by: Annotated[
        Literal["app", "user", "model"] | None, typer.Option(help="Count apart for each application, user or model.")
    ] = None,
    since: reading.Since = "7d",
    as_json: options.AsJson = False,
) -> None:
    """Count tags: how often, what share, and what those generations cost the application.

    \b
    Example: aftertag tags --dimension department --by app --since 4w

    The share is of the generations that have the dimension. A generation with several values of a dimension counts
    for each of them. Below stands the coverage: what is tagged and, by reason, what is not, add up to all
    classifications.
    """
    from worker.store import reports

    start = reading.start(since)
    with session.engine() as engine, engine.connect() as connection:
        name = reports.workspace_of(connection, workspace)
        counts = reports.tag_counts(connection, name, since=start, dimension=dimension, by=by)
        if dimension is not None and not counts:
            _require_asked(dimension, reports.dimensions(connection, name), name)
        coverage = reports.coverage(connection, name, start)
    if as_json:
        output.json_object({"workspace": name, "since": start, "tags": [asdict(one) for one in counts], **coverage})
        return
    _tell_tags(counts, f"Tags of workspace {name} since {start:%Y-%m-%d %H:%M} UTC", by)
    _tell_coverage(coverage)


def _require_asked(dimension: str, asked: list[str], workspace: str) -> None:
    """Tell a dimension without tags from one that there is not."""
    from worker import errors

    if dimension not in asked:
        known = f"those that are asked: {', '.join(asked)}." if asked else "none is asked there yet."
        raise errors.NotFoundError(f"No classifier of {workspace!r} asks a dimension {dimension!r}; {known}")


def _tell_tags(counts: "list[TagCount]", title: str, by: str | None) -> None:
    part = [by] if by else []
    rows = [_row(one, with_part=bool(by)) for one in counts]
    output.table(title, ["dimension", *part, "value", "generations", "share", "cost USD"], rows)


def _row(one: "TagCount", *, with_part: bool) -> tuple[Any, ...]:
    cost = "unknown" if one.cost_usd is None else f"{one.cost_usd:.4f}"
    if one.estimated_usd:
        cost += f" ({one.estimated_usd:.4f} estimated)"
    if one.cost_unknown and one.cost_usd is not None:
        cost += f" + {one.cost_unknown} unknown"
    return (one.dimension, *([one.part] if with_part else []), one.value, one.generations, f"{one.share:.0%}", cost)


def _tell_coverage(coverage: "Coverage") -> None:
    total = coverage["classifications"]
    rows = [("tagged", coverage["tagged"]), *coverage["reasons"].items()]
    output.table(
        "Coverage",
        ["by classifier", "classifications", "share"],
        [(reason, count, f"{count / total:.1%}") for reason, count in rows if total] + [("total", total, "")],
    )
    if coverage["cost_estimated"]:
        output.line(
            f"Of {coverage['generations']} generations, the cost of {coverage['cost_estimated']} is estimated from their"
            " models' public prices."
        )
    if coverage["cost_unknown"]:
        output.line(f"Of {coverage['generations']} generations, {coverage['cost_unknown']} came without their cost.")
