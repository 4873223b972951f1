"""Rows that LiteLLM itself writes: a call out of its spend log is the generation that its callback hands over."""

import json
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from api_hooks import wire
from api_hooks.wire import litellm
from tests.others.pythons import environment, python_with
from tests.worker.importing.formats.reading_exports import found_in
from tests.worker.importing.stage import written

PROGRAM = Path(__file__).with_name("litellm_rows.py")
SAME = ("id", "model", "provider", "turns", "tools", "usage", "streamed", "user", "session_id", "api_key_name")


@pytest.fixture(scope="module")
def calls() -> list[dict[str, Any]]:
    """What LiteLLM wrote of three calls: plain, with a tool, streamed."""
    ended = subprocess.run(
        [python_with("litellm"), PROGRAM],
        capture_output=True,
        text=True,
        env=environment(LITELLM_LOCAL_MODEL_COST_MAP="True"),
        timeout=110,
    )
    assert ended.returncode == 0, ended.stderr[-3000:]
    return [json.loads(line) for line in ended.stdout.splitlines() if line.startswith('{"row"')]


@pytest.mark.timeout(900)  # the first time, LiteLLM is installed
def test_a_row_and_the_callbacks_account_of_a_call_are_one_generation(
    calls: list[dict[str, Any]], tmp_path: Path
) -> None:
    found = found_in(written(tmp_path / "rows.json", json.dumps([call["row"] for call in calls])))
    assert (found.bad, len(found.generations), len(calls)) == ([], 3, 3)
    for call, imported in zip(calls, found.generations, strict=True):
        document = litellm.document(call["account"])
        assert document is not None
        now = datetime(2026, 1, 1, tzinfo=UTC)
        handed_over = wire.generation({**document, "workspace": "acme"}, now=now, random_bytes=bytes(10))
        read = json.loads(imported.model_dump_json())
        assert {name: read[name] for name in SAME if name != "usage"} == {
            name: handed_over[name] for name in SAME if name != "usage"
        }
        assert {name: count for name, count in read["usage"].items() if count is not None} == handed_over["usage"]
        assert abs(datetime.fromisoformat(handed_over["created_at"]) - imported.created_at).total_seconds() < 1
        assert imported.turns[0][:2] == ("system", "Be brief.")
    assert [(one.tools, one.streamed) for one in found.generations] == [([], False), (["paint"], False), ([], True)]
