"""`python -m tests.benchmarks NAME [--json]`: one measurement, as a table or as one JSON object."""

import argparse
import importlib
import json
import pkgutil
import sys
from pathlib import Path
from types import ModuleType

from rich.console import Console
from rich.table import Table


def main(arguments: list[str]) -> int:
    if not arguments or arguments[0] not in names():
        print(f"usage: python -m tests.benchmarks {{{','.join(names())}}} [--json]", file=sys.stderr)
        return 0 if arguments in (["-h"], ["--help"]) else 2
    benchmark = importlib.import_module(f"tests.benchmarks.{arguments[0]}")
    given = _parser(arguments[0], benchmark).parse_args(arguments[1:])
    figures = benchmark.run(given)
    if given.json:
        print(json.dumps(figures))
    else:
        _print_table(getattr(benchmark, "TITLE", arguments[0]), figures)
    return 0


def names() -> list[str]:
    """The benchmarks there are, by name."""
    modules = pkgutil.iter_modules([str(Path(__file__).parent)])
    return sorted(module.name for module in modules if not module.ispkg and not module.name.startswith("_"))


def _parser(name: str, benchmark: ModuleType) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=f"python -m tests.benchmarks {name}", description=benchmark.__doc__)
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of a table")
    if hasattr(benchmark, "add_arguments"):
        benchmark.add_arguments(parser)
    return parser


def _print_table(title: str, figures: dict[str, object]) -> None:
    table = Table("measured", "value", title=title)
    for name, value in figures.items():
        table.add_row(name, f"{value:,.3f}" if isinstance(value, float) else json.dumps(value))
    Console().print(table)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
