"""`configure(sample=…)`: by the worker's own draw, text alone is left out, and everybody can tell why."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from api_hooks import wire
from api_hooks.line import Line
from tests.api_hooks.senders import KeepingSender, put
from tests.worker import classifier_samples
from worker import generation as receiving
from worker import sampling

COUNT = 400
CALL = {"usage": {"prompt": 7, "completion": 3}, "tools": ["search"]}


def place(generation: dict[str, Any], *, rate: float, by: str = "generation") -> sampling.Placed:
    """What a classifier of the worker's makes of it."""
    standing = sampling.Standing(
        classifier_id=uuid4(),
        version=1,
        paused=False,
        endpoint="local",
        definition=classifier_samples.definition(sampling_rate=rate, sample_by=by),
        billed_to=None,
    )
    read = receiving.read(generation, now=datetime.now(UTC), past=timedelta(days=1))
    [placed] = sampling.place(read, [standing], unasked=None)
    return placed


def is_asked(generation: dict[str, Any], *, rate: float, by: str = "generation") -> bool:
    return place(generation, rate=rate, by=by).reason is None


def sent(line: Line, sender: KeepingSender, **fields: Any) -> list[dict[str, Any]]:
    for number in range(COUNT):
        put(line, f"message {number}", **CALL, **{name: make(number) for name, make in fields.items()})
    assert line.flush(30)
    assert len(sender.generations) == COUNT
    return sender.generations


def test_what_is_left_out_goes_without_text_and_with_everything_else(
    line_to: Callable[..., Line], sender: KeepingSender
) -> None:
    generations = sent(line_to(sample=0.25), sender, id=str)
    kept = [one for one in generations if one["turns"]]
    assert 0.15 * COUNT < len(kept) < 0.35 * COUNT
    for number, one in enumerate(generations):
        draw = wire.draw("acme", str(number))
        assert one["usage"] == CALL["usage"]
        if draw < 0.25:
            assert one["turns"] == [["user", f"message {number}", None, None]]
            assert one["tools"] == ["search"]
            assert "source_rate" not in one
        else:
            assert (one["turns"], one["tools"]) == ([], [])
            assert (one["source_rate"], one["source_draw"]) == (0.25, draw)


def test_ids_that_the_hook_makes_are_drawn_by_too(line_to: Callable[..., Line], sender: KeepingSender) -> None:
    for one in sent(line_to(sample=0.5), sender):
        assert bool(one["turns"]) == (wire.draw("acme", one["id"]) < 0.5)


@pytest.mark.parametrize("by", ["generation", "session"])
def test_a_classifier_with_a_lower_rate_is_asked_about_what_it_would_have_been_asked_about_anyway(
    by: str, line_to: Callable[..., Line], sender: KeepingSender
) -> None:
    generations = sent(line_to(sample=0.5, sample_by=by), sender, id=str, session_id=lambda number: f"s-{number // 4}")
    asked = {one["id"] for one in generations if is_asked(one, rate=0.2, by=by)}
    key = (lambda number: f"s-{number // 4}") if by == "session" else str
    assert asked == {str(number) for number in range(COUNT) if wire.draw("acme", key(number)) < 0.2}
    assert all(one["turns"] for one in generations if one["id"] in asked)


@pytest.mark.parametrize("by", ["generation", "session"])
def test_a_classifier_with_a_higher_rate_finds_the_rest_sampled_out_with_the_sources_rate(
    by: str, line_to: Callable[..., Line], sender: KeepingSender
) -> None:
    generations = sent(line_to(sample=0.3, sample_by=by), sender, id=str, session_id=lambda number: f"s-{number // 4}")
    for one in generations:
        placed = place(one, rate=0.9, by=by)
        if one["turns"]:
            assert (placed.reason, placed.rate) == (None, 0.9)
        else:
            assert (placed.reason, placed.rate, placed.draw) == ("sampled_out", 0.3, one["source_draw"])


def test_whole_sessions_are_kept_or_left_out_and_who_has_none_is_drawn_alone(
    line_to: Callable[..., Line], sender: KeepingSender
) -> None:
    line = line_to(sample=0.5, sample_by="session")
    sessions = [f"s-{number % 40}" if number % 5 else None for number in range(COUNT)]
    generations = sent(line, sender, id=str, session_id=lambda number: sessions[number])
    for one in generations:
        assert bool(one["turns"]) == (wire.draw("acme", one["session_id"] or one["id"]) < 0.5)


@pytest.mark.parametrize(("rate", "kept"), [(0, 0), (1, COUNT)])
def test_at_the_ends_all_text_or_none_goes_along(
    rate: int, kept: int, line_to: Callable[..., Line], sender: KeepingSender
) -> None:
    assert sum(1 for one in sent(line_to(sample=rate), sender) if one["turns"]) == kept


def test_what_is_left_out_is_not_redacted_and_our_own_calls_are_known_also_there(
    line_to: Callable[..., Line], sender: KeepingSender
) -> None:
    seen: list[str] = []

    def redact(text: str) -> str:
        seen.append(text)
        return text

    line = line_to(sample=0, redact=redact)
    put(line, [{"role": "system", "content": "[aftertag own call 0a1b]\nPlace it."}, {"role": "user", "content": "hi"}])
    put(line, "hello")
    assert line.flush(30)
    assert seen == []
    assert [one.get("own_call") for one in sender.generations] == ["0a1b", None]
    assert [one["turns"] for one in sender.generations] == [[], []]
