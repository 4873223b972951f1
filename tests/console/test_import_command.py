"""`aftertag import` as it is typed: what it tells, what goes in, and again after it was cut off."""

import json
import os
import signal
from collections.abc import Sequence
from pathlib import Path
from typing import Any, get_args

import psycopg
import pytest

from console.commands import import_
from tests.console.command_line import CommandLine, on
from tests.console.machine import Machine
from tests.console.terminal import at_a_terminal
from tests.waiting import wait_until
from tests.worker.importing.formats.reading_exports import EXPORTS
from worker import importing

IMPORT = ("import", "-w", "acme")


@pytest.fixture
def aftertag(database_url: str) -> CommandLine:
    command_line = on(database_url)
    command_line.done("workspace", "create", "acme")
    return command_line


def chat(text: str, **fields: Any) -> str:
    return json.dumps({"messages": [{"role": "user", "content": text}], **fields})


def write(path: Path, lines: Sequence[str]) -> str:
    path.write_text("".join(f"{line}\n" for line in lines))
    return str(path)


def rows(database_url: str, statement: str) -> list[Any]:
    with psycopg.connect(database_url) as connection:
        return connection.execute(statement).fetchall()  # type: ignore[call-overload]


def test_a_file_without_anything_in_it_is_told_to_be_empty(aftertag: CommandLine, tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text("")
    (tmp_path / "b.json").write_text("[]")
    told = aftertag.done(*IMPORT, str(tmp_path / "a.jsonl"), str(tmp_path / "b.json"))
    for name in ("a.jsonl", "b.json"):
        assert f"{name}: the file is empty; nothing of it goes in." in told.stderr
    assert "plain" not in told.stderr
    assert told.stdout == "0 recorded, 0 known already, 0 bad, of 0 lines.\n"


def test_bad_lines_are_told_by_number_and_reason_and_the_rest_goes_in_once(
    aftertag: CommandLine, database_url: str, tmp_path: Path
) -> None:
    lines = [chat("one"), "zanzibar", chat("two", created_at="2015-03-01T00:00:00Z"), '{"text": 1}', chat("three")]
    path = write(tmp_path / "a.jsonl", lines)
    first = aftertag(*IMPORT, path)
    assert first.exit_code == 1
    assert first.stdout == "3 recorded, 0 known already, 2 bad, of 5 lines.\n"
    assert "a.jsonl, line 2: is not JSON; one generation per line, as JSON" in first.stderr
    assert 'a.jsonl, line 4: has neither "messages" nor "turns" nor "output"' in first.stderr
    assert "zanzibar" not in first.stderr
    assert aftertag(*IMPORT, path).stdout == "0 recorded, 3 known already, 2 bad, of 5 lines.\n"
    found = rows(database_url, "select count(*), min(created_at)::date::text from generations")
    assert found == [(3, "2015-03-01")]


def test_json_is_one_object_and_what_it_costs_is_told_beside_it(aftertag: CommandLine, tmp_path: Path) -> None:
    aftertag.done("classifier", "create", "work", "-w", "acme", "-p", "department", "--activate")
    path = write(tmp_path / "a.jsonl", [chat("one"), "{", chat("two")])
    ended = aftertag(*IMPORT, path, "--json")
    assert ended.json == {
        "files": [{"file": "a.jsonl", "format": "plain"}],
        "lines": 3,
        "left_out": {},
        "without_text": 0,
        "bad": [{"file": "a.jsonl", "line": 2, "reason": "is not JSON; one generation per line, as JSON"}],
        "bad_lines": 1,
        "recorded": 2,
        "known": 0,
        "classifications": 2,
        "estimated_cost_usd": 0,
    }
    assert "Classifying: up to 2 classifications by local-lexical;" in ended.stderr
    assert "Estimated cost: about 0.0000 USD" in ended.stderr
    assert "Importing" not in ended.stdout + ended.stderr  # the bar


def test_a_dry_run_tells_the_cost_and_writes_nothing(aftertag: CommandLine, database_url: str, tmp_path: Path) -> None:
    aftertag.done("classifier", "create", "work", "-w", "acme", "-p", "department", "--activate")
    told = aftertag.done(*IMPORT, write(tmp_path / "a.jsonl", [chat("one")]), "--dry-run")
    assert "Estimated cost: about " in told.stderr
    assert rows(database_url, "select count(*) from generations") == [(0,)]


def test_without_classifying_nothing_is_asked_and_why_tells_so(
    aftertag: CommandLine, database_url: str, tmp_path: Path
) -> None:
    aftertag.done("classifier", "create", "work", "-w", "acme", "-p", "department", "--activate")
    path = write(tmp_path / "a.jsonl", [chat("one", id="g")])
    ended = aftertag.done(*IMPORT, path, "--no-classify")
    assert "cost" not in ended.stderr
    assert rows(database_url, "select reason from classifications") == [("no_classifier",)]
    assert "or it was imported with --no-classify" in aftertag.done("why", "g").stdout


def test_text_is_redacted_before_it_is_written_and_a_wrong_name_is_told_first(
    database_url: str, aftertag: CommandLine, tmp_path: Path
) -> None:
    path = write(tmp_path / "a.jsonl", [chat("My card is 4111-1111-1111-1111."), chat("unreadable")])
    wrong = on(database_url, AFTERTAG_REDACT="nobody.has:this")
    assert wrong.refused(*IMPORT, path).startswith("AFTERTAG_REDACT is 'nobody.has:this', which cannot be used")
    on(database_url, AFTERTAG_REDACT="tests.console.server.hiding:hide").done(*IMPORT, path)
    assert rows(database_url, "select turns -> 0 ->> 1 from transcripts order by 1") == [
        ("My card is [card].",),
        ("[withheld]",),
    ]
    assert rows(database_url, "select reason, generations from losses") == [("text_withheld", 1)]


def test_a_line_that_postgres_refuses_is_told_like_a_bad_one(
    aftertag: CommandLine, database_url: str, tmp_path: Path
) -> None:
    with psycopg.connect(database_url) as connection:
        connection.execute("alter table generations add constraint no_zanzibar check (model <> 'zanzibar')")
    path = write(tmp_path / "a.jsonl", [chat("one", model="zanzibar"), chat("two", model="m")])
    ended = aftertag(*IMPORT, path, "--json")
    assert ended.exit_code == 1
    assert (ended.json["recorded"], ended.json["known"]) == (1, 0)
    assert ended.json["bad"] == [{"file": "a.jsonl", "line": 1, "reason": "Postgres refused it: CheckViolation"}]
    assert "a.jsonl, line 1: Postgres refused it: CheckViolation" in ended.stderr


def test_an_import_killed_in_the_middle_is_completed_by_another(
    aftertag: CommandLine, database_url: str, tmp_path: Path
) -> None:
    lines = 4_000
    path = write(
        tmp_path / "a.jsonl",
        [
            chat(f"number {number % 1_000} " + "x" * 500, model="waits" if number == lines // 2 else "m")
            for number in range(lines)
        ],
    )
    machine = Machine(folder=tmp_path, settings={"AFTERTAG_DATABASE_URL": database_url})

    def imported() -> int:
        [(count,)] = rows(database_url, "select count(*) from generations")
        return int(count)

    with psycopg.connect(database_url, autocommit=True) as holding:
        holding.execute(
            "alter table generations add constraint waits check"
            " (case when model = 'waits' then pg_advisory_xact_lock_shared(7)::text is not null else true end)"
        )
        holding.execute("select pg_advisory_lock(7)")
        with machine.running(*IMPORT, path) as cut_off:
            wait_until(imported, what="a first batch")
            assert cut_off.ended(signal.SIGKILL) == -signal.SIGKILL
    before = imported()
    assert 0 < before < lines
    os.utime(path)  # the file's time, from which its lines have theirs, is another now
    again = aftertag.done(*IMPORT, path, "--json").json
    assert (again["recorded"], again["known"]) == (lines - before, before)
    assert imported() == lines


LANGFUSE = {
    "id": "0123456789abcdef",
    "traceId": "t",
    "type": "GENERATION",
    "startTime": "2026-08-03T10:00:00Z",
    "input": "Hi",
}


def test_what_files_are_is_told_and_what_is_no_generation_is_counted(aftertag: CommandLine, tmp_path: Path) -> None:
    spans = [json.dumps({**LANGFUSE, "id": str(number), "type": "SPAN"}) for number in range(3)]
    path = write(tmp_path / "a.jsonl", [*spans, json.dumps(LANGFUSE)])
    ended = aftertag.done(*IMPORT, path)
    assert "a.jsonl: an export of Langfuse." in ended.stderr
    assert "Left out, being no completed generations: 3 × span." in ended.stderr
    assert ended.stdout == "1 recorded, 0 known already, 3 left out, 0 bad, of 4 lines.\n"
    assert aftertag.done(*IMPORT, path, "--json").json["left_out"] == {"span": 3}


def test_where_a_file_may_be_anything_the_one_sentence_names_the_option(aftertag: CommandLine, tmp_path: Path) -> None:
    path = write(tmp_path / "notes.txt", ["Remember the milk"])
    assert aftertag.refused(*IMPORT, path) == (
        f"'{path}' is none of the exports that are known; say what it is with --format"
        " (langfuse, litellm, openai-batch, plain)."
    )
    assert aftertag(*IMPORT, path, "--format", "plain").exit_code == 1


def test_a_format_that_is_none_is_refused_with_those_there_are(aftertag: CommandLine, tmp_path: Path) -> None:
    ended = aftertag(*IMPORT, write(tmp_path / "a.jsonl", [chat("x")]), "--format", "langfuze")
    assert ended.exit_code == 2
    assert "'langfuze'" in ended.stderr
    assert "'langfuse'" in ended.stderr


def test_of_many_bad_lines_the_first_are_told_and_all_are_counted(aftertag: CommandLine, tmp_path: Path) -> None:
    path = write(tmp_path / "a.jsonl", [chat("x"), *["{}"] * 10_050])
    ended = aftertag(*IMPORT, path, "--json", "--format", "plain")
    assert (len(ended.json["bad"]), ended.json["bad_lines"], ended.json["recorded"]) == (10_000, 10_050, 1)
    assert "… and 10030 more bad lines; --json has the first 10,000." in ended.stderr


def test_the_formats_in_the_help_are_those_that_are_read() -> None:
    assert tuple(importing.BY_NAME) == get_args(import_.FormatName)


def test_at_a_terminal_it_asks_what_a_file_is(database_url: str, aftertag: CommandLine, tmp_path: Path) -> None:
    path = write(tmp_path / "a.jsonl", [chat("x"), json.dumps(LANGFUSE)])
    settings = {"AFTERTAG_DATABASE_URL": database_url}
    told, exit_code = at_a_terminal([*IMPORT, path], typed="7\n2\n", settings=settings, folder=tmp_path)
    assert f"What is '{path}'?" in told
    assert "1  plain: " in told
    assert "2  langfuse: " in told
    assert "1 recorded, 0 known already, 1 bad, of 2 lines." in told
    assert exit_code == 1
    assert rows(database_url, "select id from generations") == [("0123456789abcdef",)]


def test_a_batch_without_its_input_file_is_told_before_anything_is_written(aftertag: CommandLine) -> None:
    output_file, input_file = (str(EXPORTS / f"openai_batch_{name}.jsonl") for name in ("output", "input"))
    alone = aftertag.done(*IMPORT, output_file, "--dry-run")
    assert (
        "Without the batch's input file its answers go in alone; what was asked cannot be added later." in alone.stderr
    )
    assert "go in alone" not in aftertag.done(*IMPORT, output_file, input_file, "--dry-run").stderr


def test_an_import_that_no_classifier_is_asked_about_says_so(aftertag: CommandLine, tmp_path: Path) -> None:
    path = write(tmp_path / "a.jsonl", [chat("one")])
    assert "No classifier is asked about them" in aftertag.done(*IMPORT, path).stderr
    assert "No classifier is asked about them" not in aftertag.done(*IMPORT, path, "--no-classify").stderr
