from typing import Any

import pytest

from tests.api_hooks.test_wire_generation import build


def test_what_a_gateway_charged_stands_in_the_usage_of_its_response() -> None:
    answer = {"id": "gen-1234567890123", "choices": [], "usage": {"prompt_tokens": 1, "cost": "0.0021"}}
    assert build(output=answer)["cost_usd"] == 0.0021
    assert build(output=answer, cost_usd=0.5)["cost_usd"] == 0.5
    assert build(output={"choices": [], "usage": {"cost": -1}})["cost_usd"] is None


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ({"status": "completed", "incomplete_details": None}, "completed"),
        ({"status": "incomplete", "incomplete_details": {"reason": "content_filter"}}, "content_filter"),
        ({"status": "failed", "incomplete_details": {}}, "failed"),
    ],
)
def test_a_response_ends_with_its_status_or_with_what_cut_it(answer: dict[str, Any], reason: str) -> None:
    assert build(output={"object": "response", "output": [], **answer})["finish_reason"] == reason
