"""`aftertag import`: bring in files of generations."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from console import output, session

if TYPE_CHECKING:
    from worker.importing import BadLine, Exports, Format, Imported, Survey
    from worker.redacting import Redaction
    from worker.store.connecting import Engine

BAD_LINES_SHOWN = 20
BAD_LINES_IN_JSON = 10_000
FormatName = Literal["langfuse", "litellm", "openai-batch", "plain"]
"""As `worker.importing` has them, which `--help` does without."""


def register(app: typer.Typer) -> None:
    app.command("import")(import_)


def import_(
    files: Annotated[
        list[Path], typer.Argument(help="The exports, also gzipped.", exists=True, dir_okay=False, readable=True)
    ],
    workspace: Annotated[
        str | None,
        typer.Option(
            "--workspace", "-w", help="Where they go; unset: each line's own `workspace`.", show_default=False
        ),
    ] = None,
    format_: Annotated[
        FormatName | None,
        typer.Option("--format", "-f", help="What the files are; unset: found out for each.", show_default=False),
    ] = None,
    classify: Annotated[
        bool, typer.Option("--classify/--no-classify", help="Whether the workspace's classifiers are asked about them.")
    ] = True,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say what would go in and what it would cost.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object instead.")] = False,
) -> None:
    """Bring in generations from exports of other tools.

    \b
    langfuse      observations or traces of its page, API or blob storage,
                  as JSON, JSON Lines or CSV
    litellm       the spend log (LiteLLM_SpendLogs, /spend/logs),
                  as JSON, JSON Lines or CSV
    openai-batch  a batch's output file; give its input file, too: it has
                  what was asked
    plain         JSON Lines or one JSON array of {"messages": […]}, of
                  ShareGPT's {"conversations": […]}, or of generations with
                  the arguments of `api_hooks.enqueue` as keys

    What a file is, is found out from what it holds. What is no generation
    (spans, embeddings, failed calls) is left out and counted. A bad line is
    told with its number and reason, and the rest goes in; the exit code is
    then 1. What classifying would cost is told before anything is written;
    classifiers are asked as room comes.

    An import that was cut off is simply run again, with the same files: what
    is in stays, the rest goes in. A call that was recorded otherwise, too,
    is one generation where both know the provider's id of its response. A
    missing id is derived from a line's content and from how many equal lines
    precede it in all the files, a missing time from the file's.

    Example: aftertag import conversations.jsonl --workspace acme
    """
    from worker import importing, redacting

    settings = session.settings()
    redaction = redacting.named(settings.redact)
    with (
        session.engine() as engine,
        importing.recognised(files, named=format_, ask=_ask) as exports,
    ):
        for export in exports.files:
            what = "the file is empty; nothing of it goes in" if export.is_empty else export.format.title
            output.note(f"{export.path.name}: {what}.")
        if exports.lacks_requests:
            output.note("Without the batch's input file its answers go in alone; what was asked cannot be added later.")
        found = importing.survey(engine, exports, workspace=workspace, classify=classify)
        _tell(found, classify=classify)
        imported = importing.Imported()
        if not dry_run:
            imported = _bring_in(
                engine,
                exports,
                found,
                workspace=workspace,
                classify=classify,
                redaction=redaction,
                estimates=settings.estimate_cost == "on",
                shows_bar=not as_json,
            )
    for refused in imported.refused[:BAD_LINES_SHOWN]:
        output.problem(_bad(refused))
    if as_json:
        output.json_object(_as_json(exports, found, imported))
    elif not dry_run:
        output.line(_summary(found, imported))
    sys.exit(1 if found.bad_lines or imported.refused else 0)


def _ask(path: Path, candidates: "Sequence[Format]") -> "Format | None":
    """Ask at a terminal what a file is; None where there is none."""
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        return None
    output.note(f"What is {str(path)!r}?")
    for place, each in enumerate(candidates, start=1):
        output.note(f"  {place}  {each.name}: {each.title}")
    chosen = 0
    while not 1 <= chosen <= len(candidates):
        chosen = typer.prompt("Number", type=int, err=True)
    return candidates[chosen - 1]


def _bring_in(
    engine: "Engine",
    exports: "Exports",
    found: "Survey",
    *,
    workspace: str | None,
    classify: bool,
    redaction: "Redaction | None",
    estimates: bool,
    shows_bar: bool,
) -> "Imported":
    from rich.console import Console
    from rich.progress import Progress

    from worker import importing

    with Progress(console=Console(stderr=True), disable=not shows_bar) as bar:
        task = bar.add_task("Importing", total=found.generations)
        return importing.bring_in(
            engine,
            exports,
            found,
            workspace=workspace,
            classify=classify,
            advanced=lambda done: bar.update(task, completed=done),
            redaction=redaction,
            estimates=estimates,
        )


def _tell(found: "Survey", *, classify: bool) -> None:
    """Say which lines are bad, what is left out and what classifying costs, before anything is written."""
    for bad in found.bad[:BAD_LINES_SHOWN]:
        output.problem(_bad(bad))
    if found.bad_lines > BAD_LINES_SHOWN:
        more = found.bad_lines - BAD_LINES_SHOWN
        output.problem(f"… and {more} more bad lines; --json has the first {BAD_LINES_IN_JSON:,}.")
    if found.left_out:
        kinds = ", ".join(f"{count} × {kind}" for kind, count in found.left_out.most_common())
        output.note(f"Left out, being no completed generations: {kinds}.")
    if found.without_text:
        output.note(f"Without text: {found.without_text}; their usage and cost go in, and nothing is asked about them.")
    for model, count in sorted(found.asked.items()):
        output.note(
            f"Classifying: up to {count} classifications by {model}; what is known already is not asked about again."
        )
    if classify and found.generations and not found.asked:
        output.note(
            "No classifier is asked about them: none is active in their workspace, or samples or filters them out."
        )
    if found.asked:
        known = f"about {found.cost_usd:.4f} USD at 4 characters a token"
        unknown = f"; the price of {found.unpriced} of them is unknown" if found.unpriced else ""
        output.note(f"Estimated cost: {known}{unknown}.")


def _summary(found: "Survey", imported: "Imported") -> str:
    left_out = f"{found.left_out.total()} left out, " if found.left_out else ""
    bad = found.bad_lines + len(imported.refused)
    return f"{imported.new} recorded, {imported.known} known already, {left_out}{bad} bad, of {found.lines} lines."


def _as_json(exports: "Exports", found: "Survey", imported: "Imported") -> dict[str, object]:
    bad = [*found.bad, *imported.refused]
    return {
        "files": [{"file": export.path.name, "format": export.format.name} for export in exports.files],
        "lines": found.lines,
        "bad": [{"file": one.file, "line": one.number, "reason": one.reason} for one in bad],
        "bad_lines": found.bad_lines + len(imported.refused),
        "left_out": dict(found.left_out),
        "without_text": found.without_text,
        "recorded": imported.new,
        "known": imported.known,
        "classifications": found.asked.total(),
        "estimated_cost_usd": None if found.unpriced else found.cost_usd,
    }


def _bad(line: "BadLine") -> str:
    return f"{line.file}, {line.unit} {line.number}: {line.reason}"
