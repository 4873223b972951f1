import fcntl
import os
import subprocess
import sys
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import psycopg
import pytest
import typer

from console import commands, errors, output
from console.__main__ import build
from tests.console.command_line import CommandLine, on
from worker import embedded

ROOT = Path(__file__).parents[2]
HEAVY = {"sqlalchemy", "alembic", "psycopg", "pydantic", "httpx", "aiohttp", "celery", "redis", "sklearn", "yaml"}
OURS = ("taxonomy", "classifier", "apply", "export", "workspace", "member", "key")


def test_help_names_every_command_of_this_part_and_the_exit_codes() -> None:
    shown = CommandLine().done("--help").stdout
    assert [name for name in OURS if f" {name} " not in shown] == []
    assert "Exit codes: 0 done, 1 something is wrong" in " ".join(shown.split())


def test_every_command_has_a_help_text() -> None:
    app = typer.main.get_command(build())
    without = [name for name, command in app.commands.items() if not command.help]  # type: ignore[attr-defined]
    assert without == []


def test_every_module_of_a_command_is_named_once() -> None:
    named = [name for names in commands.SECTIONS.values() for name in names]
    folder = ROOT / "console" / "commands"
    registering = {path.stem for path in folder.glob("*.py") if "\ndef register(" in path.read_text()}
    assert sorted(named) == sorted(registering)


def test_no_help_text_loses_words_to_markup() -> None:
    commands_by_words = {" ".join(words): command for words, command in _walk(typer.main.get_command(build()), ())}
    assert "classifier create" in commands_by_words
    lost = {}
    for words, command in commands_by_words.items():
        shown = set(CommandLine().done(*words.split(), "--help").stdout.split())
        wanted = (command.help or "").replace("\b", "").split()
        if missing := [word for word in wanted if word not in shown]:
            lost[words] = missing
    assert lost == {}


def test_building_the_command_line_loads_nothing_heavy() -> None:
    code = (
        "import sys; from console.__main__ import build; build(); print(*{name.split('.')[0] for name in sys.modules})"
    )
    loaded = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert "typer" in loaded.stdout.split()
    assert set(loaded.stdout.split()) & HEAVY == set()


def test_the_version_is_shown_without_a_command() -> None:
    assert CommandLine().done("--version").stdout.startswith("aftertag ")


@pytest.mark.parametrize(
    "arguments", [["nonsense"], ["workspace", "nonsense"], ["key", "list"], ["workspace", "list", "--nonsense"]]
)
def test_a_wrong_command_line_ends_with_2(arguments: list[str]) -> None:
    ended = CommandLine()(*arguments)
    assert ended.exit_code == 2
    assert "Usage: " in ended.stderr


def test_without_a_database_one_sentence_says_what_to_start(tmp_path: Path) -> None:
    told = CommandLine(settings={"AFTERTAG_DATA_DIR": str(tmp_path)}).refused("workspace", "list")
    assert told == "Nothing is running; run `aftertag up`, or set AFTERTAG_DATABASE_URL."


def test_the_embedded_services_of_the_data_directory_are_found(embedded_services: embedded.Running) -> None:
    told = CommandLine(settings={"AFTERTAG_DATA_DIR": str(embedded_services.data_dir)}).refused("workspace", "list")
    assert "run `aftertag migrate`" in told  # so it has talked to that database, which no test migrates


def test_a_database_that_was_never_migrated_is_one_sentence(empty_database_url: str) -> None:
    assert "run `aftertag migrate`" in on(empty_database_url).refused("workspace", "list")


def test_a_database_that_does_not_answer_is_one_sentence() -> None:
    told = on("postgresql://nobody:SECRET@127.0.0.1:1/nothing").refused("workspace", "list")
    assert told.startswith("PostgreSQL does not answer (connection failed")
    assert "AFTERTAG_DATABASE_URL" in told
    assert "SECRET" not in told


def test_a_wrong_password_says_so(database_url: str) -> None:
    told = on(database_url.replace("://", "://stranger_", 1)).refused("workspace", "list")
    assert told.startswith("PostgreSQL does not answer (connection failed")
    assert "stranger_" in told


@pytest.mark.parametrize(
    ("hindrance", "told"),
    [
        (
            "alter database {0} set default_transaction_read_only = on",
            "cannot execute INSERT in a read-only transaction",
        ),
        ("alter database {0} set role = pg_read_all_data", "permission denied for table workspaces"),
    ],
)
def test_a_database_that_answers_and_refuses_says_why(database_url: str, hindrance: str, told: str) -> None:
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(hindrance.format(connection.info.dbname))
    sentence = on(database_url).refused("workspace", "create", "acme")
    assert sentence.startswith("PostgreSQL refuses (")
    assert told in sentence


@pytest.mark.parametrize(
    ("variable", "value"),
    [("AFTERTAG_DATABASE_URL", "no address"), ("AFTERTAG_THREADS", "many"), ("AFTERTAG_ENDPOINT_X_KEY", "k")],
)
def test_a_setting_that_is_unusable_is_named(database_url: str, variable: str, value: str) -> None:
    told = on(database_url, **{variable: value}).refused("classifier", "create", "x", "-w", "acme", "-p", "risk")
    assert variable in told


def test_an_error_that_nobody_expected_shows_its_kind_and_place_and_never_its_message() -> None:
    try:
        raise KeyError("SENTINEL")
    except KeyError as error:
        told = errors.unexpected(error)
    assert "KeyError in test_command_line.py:" in told
    assert "SENTINEL" not in told
    assert errors.sentence_for(KeyError("SENTINEL")) is None


def test_the_programme_itself_ends_in_one_sentence_with_exit_code_1(tmp_path: Path) -> None:
    (tmp_path / "services.json").write_text("{ half a file")
    with (tmp_path / "aftertag.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # as if services were running here
        ended = _programme("workspace", "list", data_dir=tmp_path)
        traced = _programme("--traceback", "workspace", "list", data_dir=tmp_path)
    assert ended.returncode == 1
    assert ended.stderr.startswith("Something nobody expected went wrong (JSONDecodeError in ")
    assert len(ended.stderr.splitlines()) == 1
    assert traced.stderr.startswith("Traceback")


def test_a_reader_who_goes_away_is_no_error_to_talk_about() -> None:
    command = f"{sys.executable} -m console taxonomy prompt department | head -c 1"
    ended = subprocess.run(["bash", "-c", command], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert ended.stderr == ""


def test_a_terminal_that_knows_ascii_only_shows_what_it_can() -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "console", "taxonomy", "show", "department"],
        cwd=ROOT,
        env=os.environ | {"PYTHONIOENCODING": "ascii"},
        capture_output=True,
        timeout=60,
    )
    assert ended.returncode == 0
    assert ended.stdout.startswith(b"title: Department")


def test_control_characters_of_other_peoples_names_are_shown_and_not_obeyed(capsys: pytest.CaptureFixture[str]) -> None:
    output.table("t\x1b[2J", ["name", "n"], [("a\x1b[31m\u202eb", 1), (None, 22)])
    output.line("line\x1b[2J")
    output.problem("problem\x07")
    written = capsys.readouterr()
    assert "\x1b" not in written.out + written.err
    assert "\x07" not in written.err
    assert "\u202e" not in written.out
    assert "a\\x1b[31m\\u202eb" in written.out


def test_a_table_in_a_pipe_is_never_cut_and_numbers_stand_right(capsys: pytest.CaptureFixture[str]) -> None:
    output.table(None, ["name", "n"], [("x" * 300, 1), ("y", 22)])
    lines = capsys.readouterr().out.splitlines()
    assert any("x" * 300 in line for line in lines)
    assert [line.rstrip()[-2:] for line in lines[-3:-1]] == [" 1", "22"]


def test_an_empty_table_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    output.table(None, ["name"], [], empty="There is nothing yet.")
    assert capsys.readouterr().out == "There is nothing yet.\n"


def _programme(*arguments: str, data_dir: Path) -> "subprocess.CompletedProcess[str]":
    environment = {name: value for name, value in os.environ.items() if not name.startswith("AFTERTAG_")}
    return subprocess.run(
        [sys.executable, "-m", "console", *arguments],
        cwd=ROOT,
        env=environment | {"AFTERTAG_DATA_DIR": str(data_dir)},
        capture_output=True,
        text=True,
        timeout=60,
    )


def _walk(command: Any, words: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
    yield words, command
    for name, inner in getattr(command, "commands", {}).items():
        yield from _walk(inner, (*words, name))


def test_migrating_tells_scripts_the_schema_and_the_days_it_made(empty_database_url: str) -> None:
    first = on(empty_database_url).done("migrate", "--json").json
    again = on(empty_database_url).done("migrate", "--json").json
    assert first["days_made"] > again["days_made"] == 0
    assert first["schema"] == again["schema"]


def test_amounts_are_shown_without_the_zeros_of_their_column() -> None:
    amounts = [Decimal("0.004461000000"), Decimal("10.000000000000"), Decimal("0E-12"), Decimal("0.000000001000")]
    assert [output.shown(amount) for amount in amounts] == ["0.004461", "10", "0", "0.000000001"]
