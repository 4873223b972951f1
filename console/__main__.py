"""The command line: `aftertag`, or `python -m console`. Each command lives in a module of `console.commands`."""

import sys
from importlib import import_module
from io import TextIOWrapper
from typing import Annotated, Any

import typer
from typer.core import TyperGroup
from typer.models import CommandInfo, TyperInfo

from console import commands, errors, output

_HELP = """Tags every LLM generation after it has happened: who uses AI for what, how hard is it, what does it cost.

Try it first: `aftertag demo` needs no database, no key and no network.

\b
Then, for real:
  aftertag up                       everything on this machine, until Ctrl-C
  aftertag workspace create acme
  aftertag classifier create work --workspace acme -p department --activate
  aftertag import conversations.jsonl --workspace acme
  aftertag tags --workspace acme

Errors are a sentence on standard error. Exit codes: 0 done, 1 something is wrong, 2 the command line is wrong.
"""


class Console(TyperGroup):
    """The root command: every error that a person is meant to read ends here, as one sentence and exit code 1."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except Exception as error:
            sentence = errors.sentence_for(error)
            if sentence is None:
                raise
            output.problem(sentence)
            raise typer.Exit(1) from error


def build() -> typer.Typer:
    """Return the application with every command of `console.commands`."""
    app = typer.Typer(
        name="aftertag",
        cls=Console,
        help=_HELP,
        no_args_is_help=True,
        add_completion=False,
        rich_markup_mode="rich",
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback()(_root)
    for section, names in commands.SECTIONS.items():
        for name in names:
            import_module(f"{commands.__name__}.{name}").register(app)
        registrations: list[CommandInfo | TyperInfo] = [*app.registered_commands, *app.registered_groups]
        for registered in registrations:
            if not isinstance(registered.rich_help_panel, str):
                registered.rich_help_panel = section
    return app


def main() -> None:
    """Run the command line and exit: 0 done, 1 something is wrong, 2 the command line is, 130 Ctrl-C."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a terminal without UTF-8 shows what it can
    try:
        build()(prog_name="aftertag")
    except Exception as error:
        if "--traceback" in sys.argv[1:2]:
            raise
        output.problem(errors.unexpected(error))
        sys.exit(1)


def _show_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import PackageNotFoundError, version

        try:
            output.line(f"aftertag {version('aftertag')}")
        except PackageNotFoundError:
            output.line("aftertag (a checkout that is not installed)")
        raise typer.Exit


def _root(
    traceback: Annotated[
        bool, typer.Option("--traceback", help="Show where an error that nobody expected came from.")
    ] = False,
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version and end.")
    ] = False,
) -> None:
    del traceback, version  # the one is read by `main`, outside of every command; the other ends before this


if __name__ == "__main__":
    main()
