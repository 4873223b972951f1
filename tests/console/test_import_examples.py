"""What the README says of files works as it stands there, with files of those names."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.console.command_line import OF_THE_MACHINE, on
from tests.console.langfuse.langfuse_server import KEYS, LangfuseServer
from tests.worker.importing.formats.reading_exports import EXPORTS
from worker.store import engine as engines

ROOT = Path(__file__).parents[2]
FILES = {
    "langfuse-observations.csv": "langfuse_observations.csv",
    "spend-logs.json": "litellm_spend_logs.json",
    "batch_output.jsonl": "openai_batch_output.jsonl",
    "batch_input.jsonl": "openai_batch_input.jsonl",
    "conversations.jsonl": "fine_tuning.jsonl",
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with the files of the examples, and `aftertag` on its own PATH."""
    for name, export in FILES.items():
        shutil.copy(EXPORTS / export, tmp_path / name)
    command = tmp_path / "bin" / "aftertag"
    command.parent.mkdir()
    command.write_text(f'#!/bin/sh\nPYTHONPATH={ROOT} exec {sys.executable} -P -m console "$@"\n')
    command.chmod(0o755)
    return tmp_path


def run(example: str, folder: Path, database_url: str, **settings: str) -> list[str]:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(OF_THE_MACHINE)}
    path = f"{folder / 'bin'}:{os.environ['PATH']}"
    ended = subprocess.run(
        ["sh", "-e", ROOT / "tests" / "examples" / example],
        cwd=folder,
        env={**inherited, "PATH": path, "AFTERTAG_DATABASE_URL": database_url, **settings},
        capture_output=True,
        text=True,
        timeout=100,
    )
    assert ended.returncode == 0, ended.stderr
    return ended.stdout.splitlines()


def test_the_files_of_the_example_go_in_and_a_call_of_several_tools_once(folder: Path, database_url: str) -> None:
    on(database_url).done("workspace", "create", "acme")
    assert run("import_files.sh", folder, database_url) == [
        "4 recorded, 0 known already, 3 left out, 0 bad, of 7 lines.",
        "2 recorded, 1 known already, 2 left out, 0 bad, of 5 lines.",
        "1 recorded, 1 known already, 8 left out, 0 bad, of 10 lines.",
        "2 recorded, 0 known already, 0 bad, of 2 lines.",
    ]


def test_tags_of_what_came_from_langfuse_go_back_to_it(folder: Path, database_url: str) -> None:
    on(database_url).done("workspace", "create", "acme")
    run("import_files.sh", folder, database_url)
    with engines.connecting(database_url) as engine, engine.begin() as connection:
        connection.exec_driver_sql("""update generations set tags = '{"department": "legal"}'""")
    with LangfuseServer() as langfuse:
        keys = {"LANGFUSE_PUBLIC_KEY": KEYS[0], "LANGFUSE_SECRET_KEY": KEYS[1]}
        told = run("langfuse_push.sh", folder, database_url, LANGFUSE_HOST=langfuse.url, **keys)
        assert told == ["Sent 4 scores of 4 generations, deleted 0."]
        assert {trace for _, _, trace, _ in langfuse.scores} == {"8c1f0b7a2d3e4f5061728394a5b6c7d8"}
