"""What the README says is held against the code: settings, commands, files, and which tests or benchmarks back its figures."""

import re
import shlex
from pathlib import Path

import pytest
from typer.main import get_command

from console.__main__ import build
from tests.benchmarks import __main__ as benchmarks
from worker.settings import PREFIX, Settings

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def settings_table() -> str:
    """The table of settings as the README has to have it."""
    rows = ["| variable | default | meaning |", "|---|---|---|"]
    for name, field in Settings.model_fields.items():
        default = "unset" if field.default is None else "" if field.default_factory else f"`{field.default}`"
        rows.append(f"| `{PREFIX}{name.upper()}` | {default or 'the user’s data directory'} | {field.description} |")
    return "\n".join(rows)


def between(marker: str) -> str:
    found = re.search(rf"<!-- {marker} -->\n(.*?)\n<!-- /{marker} -->", README, re.DOTALL)
    assert found is not None, f"the README has no part between <!-- {marker} --> and <!-- /{marker} -->"
    return found[1]


def commands() -> list[str]:
    """Every line of a code block that calls `aftertag`."""
    blocks = README.split("```")[1::2]
    lines = [line for block in blocks for line in block.splitlines()]
    return [line.split(" #")[0].strip() for line in lines if line.startswith("aftertag ")]


def test_the_readme_has_every_setting_with_its_default_and_meaning() -> None:
    assert between("settings") == settings_table(), f"it has to be:\n{settings_table()}"


@pytest.mark.parametrize("line", commands())
def test_every_command_in_the_readme_exists_with_its_options(line: str) -> None:
    words = shlex.split(line if line.count('"') % 2 == 0 else line + '"')
    command = get_command(build())
    options: set[str] = set()
    rest = words[1:]
    while rest and hasattr(command, "commands") and rest[0] in command.commands:
        command = command.commands[rest.pop(0)]
    assert not hasattr(command, "commands"), f"{line!r} names no command"
    for parameter in command.params:
        options |= {*parameter.opts, *parameter.secondary_opts}
    used = [word for word in rest if word.startswith("-")]
    ours = used[: used.index("--")] if "--" in used else used
    assert set(ours) <= options


def test_every_file_that_the_readme_links_to_is_there() -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", README):
        if "://" not in target:
            assert (ROOT / target).exists(), target


def test_the_readme_has_a_figure_of_every_benchmark() -> None:
    measured = README.split("## What was measured")[1].split("\n## ")[0]
    named = re.findall(r"^(?:\| |\*\*Real input\*\* \()`([a-z_]+)`", measured, re.MULTILINE)
    assert set(named) == set(benchmarks.names())


def test_every_line_for_a_way_in_stands_in_the_example_that_the_tests_run() -> None:
    rows = [row.split(" | ") for row in between("ways in").splitlines()[2:]]
    assert len(rows) >= 12
    for _, written, example in rows:
        code = re.search(r"`([^`]+)`", written)
        file = re.search(r"\]\(([^)]+)\)", example)
        assert code is not None
        assert file is not None
        content = (ROOT / file[1]).read_text(encoding="utf-8")
        assert all(part in content for part in code[1].strip('"').split("…")), (code[1], file[1])


def test_the_code_in_the_readme_is_an_example_that_the_tests_run() -> None:
    blocks = re.findall(r"<!-- example: (\S+) -->\n```python\n(.*?)```", README, re.DOTALL)
    assert blocks
    for name, code in blocks:
        _, _, content = (ROOT / "tests" / "examples" / name).read_text(encoding="utf-8").partition('"""\n\n')
        assert code == content, name


def test_every_example_is_run_by_a_test() -> None:
    sources = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "tests").rglob("*.py"))
    for example in (ROOT / "tests" / "examples").iterdir():
        if example.is_file():
            assert example.stem in sources, example.name
