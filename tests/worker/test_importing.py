"""Importing: ids and times from content and position, so that a file may come twice or be cut off and lose nothing."""

import json
import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import OperationalError

from tests.worker import line_stage
from tests.worker.line_stage import count, rows
from worker import importing
from worker.embedded.postgres import Postgres
from worker.importing import BadLine, Imported, Line, Survey
from worker.store import engine as engines
from worker.store import migrations, partitions

MODIFIED = datetime(2024, 2, 29, 12, tzinfo=UTC)


def chat(text: str, **fields: Any) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": text}, {"role": "assistant", "content": "Yes."}], **fields}


def write(path: Path, *lines: object) -> Path:
    """A file of these lines, last modified on 29 February 2024."""
    encoded = [line if isinstance(line, bytes) else json.dumps(line).encode() for line in lines]
    path.write_bytes(b"".join(line + b"\n" for line in encoded))
    os.utime(path, (MODIFIED.timestamp(), MODIFIED.timestamp()))
    return path


def read(path: Path, *, workspace: str | None = "acme") -> list[Line | BadLine]:
    return list(importing.lines([path], workspace=workspace))


def good(path: Path) -> list[Line]:
    found = read(path)
    assert all(isinstance(line, Line) for line in found), found
    return [line for line in found if isinstance(line, Line)]


def bring_in(
    engine: Engine,
    *paths: Path,
    workspace: str | None = "acme",
    classify: bool = True,
    advanced: Callable[[int], object] = lambda done: None,
) -> tuple[Survey, Imported]:
    found = importing.survey(engine, paths, workspace=workspace, classify=classify)
    imported = importing.bring_in(engine, paths, found, workspace=workspace, classify=classify, advanced=advanced)
    return found, imported


def test_a_line_without_id_and_time_gets_both_from_its_content_and_place(tmp_path: Path) -> None:
    path = write(tmp_path / "a.jsonl", chat("one"), chat("two"), chat("one"))
    first, second, third = good(path)
    assert first.generation.id.startswith("import-")
    assert first.generation.id.endswith("-1")
    assert third.generation.id == first.generation.id[:-1] + "2"
    assert second.generation.id not in (first.generation.id, third.generation.id)
    assert [line.generation.created_at - MODIFIED for line in (first, second, third)] == [
        timedelta(microseconds=number) for number in (1, 2, 3)
    ]
    assert [line.generation for line in good(path)] == [line.generation for line in (first, second, third)]


def test_a_line_keeps_the_id_time_and_workspace_it_carries(tmp_path: Path) -> None:
    given = chat("one", id="mine", created_at="2023-05-06T07:08:09Z", workspace="beta")
    [line] = read(write(tmp_path / "a.jsonl", given), workspace=None)
    assert isinstance(line, Line)
    assert (line.generation.id, line.generation.workspace, line.timed) == ("mine", "beta", True)
    assert line.generation.created_at == datetime(2023, 5, 6, 7, 8, 9, tzinfo=UTC)
    [elsewhere] = good(write(tmp_path / "b.jsonl", given))
    assert elsewhere.generation.workspace == "acme"


def test_generations_as_the_wire_writes_them_go_in_too(tmp_path: Path) -> None:
    [line] = good(write(tmp_path / "a.jsonl", line_stage.wire("1")))
    assert line.generation.turns[0][:2] == ("user", "Why is the sky blue?")


BAD: list[tuple[bytes, str]] = [
    (b"{zanzibar", "is not JSON; one generation per line, as JSON"),
    (b'{"messages": "zanzibar\xff"}', "is not JSON; one generation per line, as JSON"),
    (b"[" * 100_000, "is not JSON; one generation per line, as JSON"),
    (b'{"n": ' + b"9" * 5_000 + b"}", "is not JSON; one generation per line, as JSON"),
    (b'["zanzibar"]', 'is JSON but no object; write {"messages": […]}'),
    (b'{"text": "zanzibar"}', 'has neither "messages" nor "turns" nor "output"'),
    (b'{"messages": []}', 'has neither "messages" nor "turns" nor "output"'),
]


@pytest.mark.parametrize(("line", "reason"), BAD)
def test_a_bad_line_is_told_with_its_number_and_its_reason_and_the_rest_goes_in(
    tmp_path: Path, line: bytes, reason: str
) -> None:
    before, bad, after = read(write(tmp_path / "a.jsonl", chat("one"), line, b"", chat("two")))
    assert isinstance(before, Line)
    assert bad == BadLine(file="a.jsonl", number=2, reason=reason)
    assert isinstance(after, Line)
    assert after.number == 4


def test_a_line_without_any_workspace_is_told_what_to_do(tmp_path: Path) -> None:
    [bad] = read(write(tmp_path / "a.jsonl", chat("one")), workspace=None)
    assert isinstance(bad, BadLine)
    assert bad.reason.startswith("workspace: there is none")
    assert bad.reason.endswith("Or give --workspace.")


def test_a_line_that_is_too_long_is_one_bad_line(tmp_path: Path) -> None:
    long = b'{"messages": "' + b"x" * (2 * importing.LINE_BYTES) + b'"}'
    found = read(write(tmp_path / "a.jsonl", chat("one"), long, chat("two")))
    assert [line.number for line in found] == [1, 2, 3]
    assert found[1] == BadLine(file="a.jsonl", number=2, reason="is longer than 64,000,000 bytes; split it")


def test_times_of_any_age_go_in_and_their_days_are_made(tmp_path: Path, engine: Engine) -> None:
    line_stage.classifier(engine)
    path = write(tmp_path / "a.jsonl", *[chat("x", created_at=f"{year}-03-01T00:00:00Z") for year in range(2005, 2025)])
    survey, imported = bring_in(engine, path)
    assert (survey.lines, len(survey.days), imported.new) == (20, 20, 20)
    with engine.connect() as connection:
        assert survey.days <= partitions.existing_days(connection)
    assert rows(engine, "select state, rung_at is null from classifications group by 1, 2") == [("pending", True)]


def test_importing_twice_brings_in_nothing_twice_also_when_the_file_was_touched(tmp_path: Path, engine: Engine) -> None:
    path = write(
        tmp_path / "a.jsonl", chat("one"), chat("one"), chat("two", id="2"), chat("3", created_at="2024-01-01")
    )
    assert bring_in(engine, path)[1] == Imported(new=4, known=0)
    assert bring_in(engine, path)[1] == Imported(new=0, known=4)
    os.utime(path, (MODIFIED.timestamp() + 10 * 86_400,) * 2)
    assert bring_in(engine, path)[1] == Imported(new=0, known=4)
    assert count(engine, "generations") == 4


def test_an_import_that_was_cut_off_is_resumed_where_it_ended(tmp_path: Path, engine: Engine) -> None:
    path = write(tmp_path / "a.jsonl", *[chat(f"number {number}") for number in range(2 * importing.BATCH + 7)])
    steps: list[int] = []

    def interrupt(done: int) -> None:
        steps.append(done)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        bring_in(engine, path, advanced=interrupt)
    assert count(engine, "generations") == importing.BATCH
    _, imported = bring_in(engine, path, advanced=steps.append)
    assert (imported.new, imported.known) == (importing.BATCH + 7, importing.BATCH)
    assert steps == [importing.BATCH, importing.BATCH, 2 * importing.BATCH, 2 * importing.BATCH + 7]
    assert count(engine, "generations") == 2 * importing.BATCH + 7


def test_without_classifying_nothing_is_asked_and_nothing_is_estimated(tmp_path: Path, engine: Engine) -> None:
    line_stage.classifier(engine, endpoint="openai", model="gpt-4o-mini")
    survey, _ = bring_in(engine, write(tmp_path / "a.jsonl", chat("one")), classify=False)
    assert survey.cost_usd == survey.asked.total() == 0
    assert rows(engine, "select state, reason from classifications") == [("not_run", "no_classifier")]
    assert count(engine, "transcripts") == 1


def test_what_classifying_would_cost_is_told_before_anything_is_written(tmp_path: Path, engine: Engine) -> None:
    line_stage.classifier(engine, "priced", dimension="a", endpoint="openai", model="gpt-4o-mini")
    line_stage.classifier(engine, "unpriced", dimension="b", endpoint="openai", model="nobody-knows-me")
    line_stage.classifier(engine, "free", dimension="c")
    line_stage.classifier(engine, "half", dimension="d", endpoint="openai", model="gpt-4o", sampling_rate=0.0)
    path = write(tmp_path / "a.jsonl", *[chat("x" * 4_000, id=str(number)) for number in range(10)])
    survey = importing.survey(engine, [path], workspace="acme", classify=True)
    assert dict(survey.asked) == {"gpt-4o-mini": 10, "nobody-knows-me": 10, "local-lexical": 10}
    assert survey.unpriced == 10
    assert 10 * 1_000 * 0.15e-6 < survey.cost_usd < 10 * 2_000 * 0.15e-6 + 10 * 200 * 0.6e-6
    assert count(engine, "generations") == 0
    longer = write(tmp_path / "b.jsonl", *[chat("x" * 400_000, id=str(number)) for number in range(10)])
    cut = importing.survey(engine, [longer], workspace="acme", classify=True)
    assert survey.cost_usd < cut.cost_usd < survey.cost_usd * 2  # turns are cut to 5,000 characters


def test_equal_lines_of_two_files_of_one_import_are_both_kept_and_once_each(tmp_path: Path, engine: Engine) -> None:
    a = write(tmp_path / "a.jsonl", chat("one"), chat("two"))
    b = write(tmp_path / "b.jsonl", chat("one"), chat("three"))
    assert bring_in(engine, a, b)[1] == Imported(new=4, known=0)
    assert bring_in(engine, a, b)[1] == Imported(new=0, known=4)
    assert bring_in(engine, a)[1] == Imported(new=0, known=2)
    assert count(engine, "generations") == 4


def test_a_line_that_postgres_refuses_is_told_and_its_neighbours_go_in(tmp_path: Path, engine: Engine) -> None:
    with engine.begin() as connection:
        connection.execute(text("alter table generations add constraint no_zanzibar check (model <> 'zanzibar')"))
    path = write(tmp_path / "a.jsonl", *[chat("x", model="zanzibar" if at == 5 else "m") for at in range(9)])
    refused = BadLine(file="a.jsonl", number=6, reason="Postgres refused it: CheckViolation")
    assert bring_in(engine, path)[1] == Imported(new=8, known=0, refused=[refused])
    assert bring_in(engine, path)[1] == Imported(new=0, known=8, refused=[refused])


def test_a_postgres_that_goes_away_ends_the_import_and_blames_no_line(tmp_path: Path, own_postgres: Postgres) -> None:
    migrations.upgrade(own_postgres.url)
    path = write(tmp_path / "a.jsonl", *[chat(f"number {number}") for number in range(importing.BATCH + 1)])
    with engines.connecting(own_postgres.url) as engine, pytest.raises(OperationalError):
        bring_in(engine, path, advanced=lambda done: own_postgres.stop())


def test_a_time_that_cannot_be_is_told_with_what_to_do(tmp_path: Path) -> None:
    [bad] = read(write(tmp_path / "a.jsonl", chat("one", created_at="1901-05-06T00:00:00Z")))
    assert isinstance(bad, BadLine)
    assert bad.reason == (
        "created_at: 1901-05-06 is implausible; it takes the last 14,600 days to one day ahead"
        " (without a time the file's counts)"
    )


def test_bad_lines_of_several_files_are_told_by_file(tmp_path: Path, engine: Engine) -> None:
    survey, imported = bring_in(
        engine, write(tmp_path / "a.jsonl", chat("one"), b"x"), write(tmp_path / "b.jsonl", b"x", chat("one"))
    )
    assert [(bad.file, bad.number) for bad in survey.bad] == [("a.jsonl", 2), ("b.jsonl", 1)]
    assert (survey.lines, imported.new + imported.known) == (4, 2)


def test_what_a_line_says_stays_out_of_its_repr(tmp_path: Path) -> None:
    [line] = good(write(tmp_path / "a.jsonl", chat("zanzibar")))
    assert "zanzibar" not in repr(line)
