"""`aftertag generations`: what was recorded, newest first."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from console import options, output, reading, session

if TYPE_CHECKING:
    from worker.store.reports import GenerationRow


def register(app: typer.Typer) -> None:
    app.command()(generations)


def generations(
    workspace: reading.Workspace = None,
    app: Annotated[str | None, typer.Option(help="Only of this application.")] = None,
    user: Annotated[str | None, typer.Option(help="Only of this user.")] = None,
    model: Annotated[str | None, typer.Option(help="Only of this model.")] = None,
    tag: Annotated[
        list[str] | None, typer.Option(metavar="DIMENSION=VALUE", help="Only with this tag; several: with all of them.")
    ] = None,
    reason: Annotated[
        str | None,
        typer.Option(
            "--reason",
            "--state",
            help="Only with this state or reason by some classifier: tagged, pending, failed, sampled_out, timeout, …",
        ),
    ] = None,
    since: reading.Since = "7d",
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="How many at most.")] = 50,
    as_json: options.AsJson = False,
) -> None:
    """List generations with their tags, the newest first.

    \b
    Examples:
      aftertag generations --tag department=legal --since 24h
      aftertag generations --reason failed --json
    The last column says for each classifier whether it is tagged or why not; `aftertag why ID` tells the whole story.
    """
    from worker.store import reports

    start, tags = reading.start(since), [reading.tag(one) for one in tag or ()]
    if reason is not None:
        _check(reason)
    with session.engine() as engine, engine.connect() as connection:
        name = reports.workspace_of(connection, workspace)
        found = reports.generations(
            connection, name, since=start, app=app, user=user, model=model, tags=tags, reason=reason, limit=limit
        )
    if as_json:
        output.json_object([asdict(one) for one in found])
        return
    output.table(
        f"Generations of workspace {name} since {start:%Y-%m-%d %H:%M} UTC",
        ["created (UTC)", "id", "app", "user", "model", "cost USD", "tags", "classifications"],
        map(_row, found),
        empty=f"none; `aftertag import FILE --workspace {name}` brings some in",
    )
    if len(found) == limit:
        output.note(f"These are the newest {limit}; --limit shows more.")


def _check(reason: str) -> None:
    from worker import errors, reasons

    known = [reasons.TAGGED, "failed", "not_run", *map(str, reasons.Reason)]
    if reason not in known:
        raise errors.InvalidRequestError(f"--reason {reason!r} is none; choose one of {', '.join(known)}.")


def _row(one: "GenerationRow") -> tuple[Any, ...]:
    tags = ", ".join(f"{dimension}={output.shown(value)}" for dimension, value in sorted(one.tags.items()))
    cost = "unknown" if one.cost_usd is None else f"{one.cost_usd:.6f}"
    if one.cost_source == "estimated":
        cost += " estimated"
    return (one.created_at, one.id, one.app, one.user, one.model, cost, tags or None, one.reasons)
