"""What imported calls cost: as their file states; else estimated at the price of their day."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

from tests.worker.importing.stage import bring_in, chat, write
from tests.worker.line_stage import rows
from worker import importing

EXPORTS = Path(__file__).parent / "exports"
USED: dict[str, Any] = {"model": "gpt-5-mini", "usage": {"prompt_tokens": 10**6, "completion_tokens": 10**6}}


def costs(engine: Engine) -> list[Any]:
    return rows(engine, "select cost_usd, cost_source from generations order by created_at, id")


def of_a_batch(number: int, created: int) -> dict[str, Any]:
    said = {
        "choices": [{"message": {"role": "assistant", "content": "Yes."}}],
        "created": created,
        "id": f"chatcmpl-{number}",
    }
    return {
        "id": f"batch_req_{number}",
        "custom_id": str(number),
        "response": {"status_code": 200, "body": {"object": "chat.completion", **said, **USED}},
        "error": None,
    }


@pytest.mark.parametrize("export", ["litellm_spend_logs.json", "langfuse_observations.jsonl"])
def test_a_cost_that_a_file_states_is_a_reported_one(engine: Engine, export: str) -> None:
    bring_in(engine, EXPORTS / export, classify=False)
    assert set(rows(engine, "select cost_source from generations where cost_usd = 0.0000264")) == {"reported"}


def test_what_a_file_does_not_state_is_estimated_at_the_price_of_its_day(tmp_path: Path, engine: Engine) -> None:
    o3 = {**USED, "model": "o3"}
    lines = [
        chat("a", id="1", created_at="2025-03-01T00:00:00Z", **o3),
        chat("b", id="2", created_at="2026-03-01T00:00:00Z", **o3),
        chat("c", id="3", created_at="2026-03-02T00:00:00Z", **o3, cost_usd=1),
        chat("d", id="4", created_at="2026-03-03T00:00:00Z", **o3, provider="vllm"),
    ]
    bring_in(engine, write(tmp_path / "a.jsonl", *lines), classify=False)
    assert costs(engine) == [
        (Decimal(50), "estimated"),
        (Decimal(10), "estimated"),
        (Decimal(1), "reported"),
        (None, None),
    ]


def test_a_call_of_a_batch_has_the_batchs_price_or_none(tmp_path: Path, engine: Engine) -> None:
    path = write(tmp_path / "a.jsonl", of_a_batch(1, 1_735_689_600), of_a_batch(2, 1_795_000_000))
    bring_in(engine, path, classify=False)
    assert costs(engine) == [(None, None), (Decimal("1.125"), "estimated")]


def test_without_estimates_only_what_the_file_states_is_known(tmp_path: Path, engine: Engine) -> None:
    path = write(tmp_path / "a.jsonl", chat("a", id="1", **USED), chat("b", id="2", **USED, cost_usd=1))
    with importing.recognised([path]) as exports:
        found = importing.survey(engine, exports, workspace="acme", classify=False)
        importing.bring_in(
            engine, exports, found, workspace="acme", classify=False, advanced=lambda done: None, estimates=False
        )
    assert costs(engine) == [(None, None), (Decimal(1), "reported")]
