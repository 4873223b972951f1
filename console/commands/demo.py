"""`aftertag demo`: the whole line on this machine, with nothing installed and nothing configured."""

import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from console import output, session

if TYPE_CHECKING:
    from console.demo.playing import Played


def register(app: typer.Typer) -> None:
    app.command()(demo)


def demo(
    keep: Annotated[
        bool, typer.Option("--keep", help="Leave everything running afterwards; `aftertag down` ends it.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object instead.")] = False,
) -> None:
    """See the whole line work: sixty-six conversations go in at the hook, their tags come out in PostgreSQL.

    Starts an embedded PostgreSQL and Redis, a real worker and a beat, gives workspace `demo` a classifier, and shows
    the tags, how far they agree with tags that a person gave, and three SQL statements. Needs no network and no key:
    it uses the first model endpoint that is configured (OPENROUTER_API_KEY, OPENAI_API_KEY, …), else the built-in
    lexical classifier, and says which. The exit code is 0 only if the tags are really there.
    """
    from console.demo import playing, showing
    from console.options import who

    began = time.monotonic()
    signal.signal(signal.SIGTERM, _end_in_order)
    with ExitStack() as stack:
        data_dir = session.settings().data_dir if keep else _own_directory(stack)
        output.note("Starting PostgreSQL, Redis, a worker and a beat …")
        stage = playing.set_up(stack, data_dir, redis_engine=session.settings().redis_engine, keep=keep)
        for line in stage.running.describe():
            output.note(f"  {line}")
        classifier = playing.configure(stage.engine, actor=who(""))
        output.note(f"  Classifier: {classifier}")
        generations = playing.enqueue(stage.running.redis_url)
        with _progress(generations, quiet=as_json) as advanced:
            played = playing.play(stage, classifier=classifier, generations=generations, advanced=advanced)
        if as_json:
            output.json_object(played.to_json())
        else:
            showing.show(played, stage.engine)
            output.note(_last_words(played, time.monotonic() - began, keep=keep))
    there = played.generations == generations and played.tagged >= TAGGED_AT_LEAST * generations
    sys.exit(0 if there else 1)


TAGGED_AT_LEAST = 0.9
"""A real model may refuse or fail on a few of the conversations; the coverage says why."""


ENDED_BY_TERM = 128 + signal.SIGTERM


def _end_in_order(*_: object) -> None:
    """Turn TERM into an ordinary way out, so that everything that was started is ended; once."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    sys.exit(ENDED_BY_TERM)


def _own_directory(stack: ExitStack) -> Path:
    return Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="aftertag-demo-", ignore_cleanup_errors=True)))


@contextmanager
def _progress(total: int, *, quiet: bool) -> Iterator[Callable[[int], object]]:
    """Yield what advances a live bar on standard error, shown on a terminal only."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), disable=quiet) as bar:
        task = bar.add_task("Tagging", total=total)
        yield lambda done: bar.update(task, completed=done)


def _last_words(played: "Played", seconds: float, *, keep: bool) -> str:
    done = f"\n{played.tagged} of {played.generations} generations are tagged; all of it took {seconds:.0f} s."
    if not keep:
        return done
    return (
        f"{done} Everything is still running: try `aftertag tags --workspace demo` or `aftertag sql`,"
        " and end it with `aftertag down`."
    )
