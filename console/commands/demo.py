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
    from console.demo.played import Played, Trouble


def register(app: typer.Typer) -> None:
    app.command()(demo)


def demo(
    keep: Annotated[
        bool, typer.Option("--keep", help="Leave everything running afterwards; `aftertag down` ends it.")
    ] = False,
    endpoint: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="Where the model is asked: openrouter, ollama, …, or local, the built-in classifier."
            " Unset: the first that is configured and has a default model, else local.",
        ),
    ] = None,
    model: Annotated[str | None, typer.Option(help="The model's name at --endpoint; unset: its default.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object instead.")] = False,
) -> None:
    """See the whole line work: sixty-six conversations go in at the hook, their tags come out in PostgreSQL.

    Starts an embedded PostgreSQL and Redis, a real worker and a beat, gives workspace `demo` a classifier, and shows
    the tags, how far they agree with tags that a person gave, and three SQL statements. Needs no network and no key:
    it uses the first model endpoint that is configured (OPENROUTER_API_KEY, OPENAI_API_KEY, …), else the built-in
    lexical classifier, and says which. The exit code is 0 only if the tags are really there.

    \b
    Examples:
      aftertag demo --endpoint local
      aftertag demo --endpoint ollama --model llama3.2
    """
    from console.demo import choosing, playing, showing
    from console.options import who

    if model and not endpoint:
        raise typer.BadParameter("name its --endpoint, too", param_hint="--model")
    began = time.monotonic()
    endpoints = session.endpoints()
    choice = choosing.choose(endpoints, endpoint=endpoint, model=model)
    choosing.require_reachable(choice, endpoints)
    signal.signal(signal.SIGTERM, _end_in_order)
    with ExitStack() as stack:
        data_dir = session.settings().data_dir if keep else _own_directory(stack)
        output.note("Starting PostgreSQL, Redis, a worker and a beat …")
        stage = playing.set_up(stack, data_dir, redis_engine=session.settings().redis_engine, keep=keep)
        for line in stage.running.describe():
            output.note(f"  {line}")
        for name in choice.passed_over:
            output.note(f"  Not asked: endpoint {name!r}, whose models only you know; --endpoint {name} --model NAME.")
        playing.configure(stage.engine, choice, actor=who(""))
        output.note(f"  Classifier: {choice.classifier}")
        generations = playing.enqueue(stage.running.redis_url)
        with _progress(generations, quiet=as_json) as advanced:
            played = playing.play(stage, choice, generations=generations, advanced=advanced)
        if as_json:
            output.json_object(played.to_json())
        else:
            showing.show(played, stage.engine)
            output.note(_last_words(played, time.monotonic() - began, keep=keep))
        if played.trouble is not None:
            _tell(played.trouble, keep=keep)
    sys.exit(0 if played.trouble is None and played.generations == generations else 1)


LOG_LINES = 10


def _tell(trouble: "Trouble", *, keep: bool) -> None:
    """Say what went wrong; of a log that is about to be deleted show the end."""
    output.problem(trouble.sentence)
    if trouble.log is None:
        return
    if keep:
        output.problem(f"Its log is {str(trouble.log)!r}.")
        return
    output.problem("Its log ends with:")
    for line in trouble.log.read_text(errors="replace").splitlines()[-LOG_LINES:]:
        output.problem(f"  {line}")


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
