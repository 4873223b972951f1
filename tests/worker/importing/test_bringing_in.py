"""Importing: a file may come twice or be cut off and lose nothing, and what it costs is told before."""

import gzip
import json
import os
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import OperationalError

from tests.worker import line_stage
from tests.worker.importing.formats.reading_exports import EXPORTS
from tests.worker.importing.stage import MODIFIED, bring_in, chat, survey_of, write, written
from tests.worker.line_stage import count, rows
from worker import importing
from worker.embedded.postgres import Postgres
from worker.importing import BadLine, Imported
from worker.store import engine as engines
from worker.store import migrations, partitions


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
    survey = survey_of(engine, path)
    assert dict(survey.asked) == {"gpt-4o-mini": 10, "nobody-knows-me": 10, "local-lexical": 10}
    assert survey.unpriced == 10
    assert 10 * 1_000 * 0.15e-6 < survey.cost_usd < 10 * 2_000 * 0.15e-6 + 10 * 200 * 0.6e-6
    assert count(engine, "generations") == 0
    longer = write(tmp_path / "b.jsonl", *[chat("x" * 400_000, id=str(number)) for number in range(10)])
    cut = survey_of(engine, longer)
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


def test_bad_lines_of_several_files_are_told_by_file(tmp_path: Path, engine: Engine) -> None:
    survey, imported = bring_in(
        engine, write(tmp_path / "a.jsonl", chat("one"), b"x"), write(tmp_path / "b.jsonl", b"x", chat("one"))
    )
    assert [(bad.file, bad.number) for bad in survey.bad] == [("a.jsonl", 2), ("b.jsonl", 1)]
    assert (survey.lines, imported.new + imported.known) == (4, 2)


RECORDED_AT = line_stage.NOW - timedelta(days=5)


def exported(id_: str, *, hours_later: float = 0) -> dict[str, Any]:
    """The same call as Langfuse exports it, with the response's id where OpenTelemetry leaves it."""
    end = RECORDED_AT + timedelta(hours=hours_later)
    return {
        "id": "3f2b1a0c9d8e7f60",
        "traceId": "8c1f0b7a2d3e4f5061728394a5b6c7d8",
        "type": "GENERATION",
        "endTime": end.isoformat(),
        "input": "Why is the sky blue?",
        "output": "It scatters.",
        "metadata": {"attributes": {"gen_ai.response.id": id_}},
    }


@pytest.mark.parametrize(("hours_later", "generations"), [(0, 1), (47, 1), (-47, 1), (49, 2)])
def test_a_call_that_the_hook_recorded_and_langfuse_exports_is_one_generation(
    tmp_path: Path, engine: Engine, hours_later: float, generations: int
) -> None:
    id_ = "chatcmpl-CkQ1vE7zX2pYt9LmN4aB"
    with line_stage.open_line(engine) as staged:
        line_stage.record(staged.line, line_stage.wire(id_, created_at=RECORDED_AT))
    _, imported = bring_in(engine, write(tmp_path / "a.jsonl", exported(id_, hours_later=hours_later)))
    assert (imported.new, imported.known) == (generations - 1, 2 - generations)
    assert count(engine, "generations") == generations


def test_the_same_call_in_the_exports_of_two_tools_is_one_generation(engine: Engine) -> None:
    tools = [
        EXPORTS / name for name in ("langfuse_observations.csv", "litellm_spend_logs.json", "openai_batch_output.jsonl")
    ]
    survey, imported = bring_in(engine, *tools)
    assert imported.new + imported.known == survey.generations
    calls = rows(engine, "select count(*) from generations where id = 'chatcmpl-CkQ1vE7zX2pYt9LmN4aB'")
    assert (calls, imported.known) == ([1], 2)


@pytest.mark.parametrize("name", ["a.json", "a.json.gz", "a.csv"])
def test_every_container_is_resumed_where_its_import_was_cut_off(tmp_path: Path, engine: Engine, name: str) -> None:
    texts = [f"number {number % 300}" for number in range(importing.BATCH + 107)]
    if name.endswith(".csv"):
        row = '"{id}","t","GENERATION","2026-08-03 10:00:00","{text}"\n'
        content = '"id","traceId","type","startTime","input"\n' + "".join(
            row.format(id=f"{number:016x}", text=said) for number, said in enumerate(texts)
        )
    else:
        content = json.dumps([chat(said) for said in texts])
    encoded = content.encode()
    path = written(tmp_path / name, gzip.compress(encoded) if name.endswith(".gz") else encoded)

    def interrupt(done: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        bring_in(engine, path, advanced=interrupt)
    assert count(engine, "generations") == importing.BATCH
    assert bring_in(engine, path)[1] == Imported(new=107, known=importing.BATCH)


def test_rows_without_text_are_recorded_and_nobody_is_asked_about_them(engine: Engine) -> None:
    line_stage.classifier(engine)
    survey, _ = bring_in(engine, EXPORTS / "litellm_spend_logs_v2.json")
    assert (survey.without_text, survey.asked.total()) == (3, 0)
    assert rows(engine, "select distinct reason from classifications") == ["sampled_out"]
    assert count(engine, "transcripts") == 0
    assert rows(engine, "select sum(prompt_tokens) from generations") == [3 * 168]


def test_kinds_without_number_of_what_is_left_out_do_not_fill_the_memory(tmp_path: Path, engine: Engine) -> None:
    path = write(tmp_path / "a.jsonl", *[{"request_id": "1", "call_type": f"kind{number}"} for number in range(200)])
    survey, _ = bring_in(engine, path)
    assert (len(survey.left_out), survey.left_out["other"], survey.left_out.total()) == (51, 150, 200)
