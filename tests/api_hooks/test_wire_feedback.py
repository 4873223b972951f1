from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from api_hooks import wire
from tests.api_hooks import hostile
from tests.api_hooks.test_wire_messages import ANYTHING

NOW = datetime(2026, 11, 21, 9, 30, 0, 123456, UTC)
RANDOM = bytes(range(10))


def build(**document: Any) -> dict[str, Any]:
    given = {"workspace": "acme", "generation_id": "g-1", **document}
    return wire.feedback(given, now=NOW, random_bytes=RANDOM)


def test_a_score_alone_is_complete_feedback() -> None:
    assert build(score=1) == {
        "id": wire.uuid7(int(NOW.timestamp() * 1000), RANDOM),
        "workspace": "acme",
        "generation_id": "g-1",
        "created_at": "2026-11-21T09:30:00.123456+00:00",
        "score": 1,
        "comment": None,
        "user": None,
        "metadata": {},
    }


def test_what_the_caller_names_is_kept() -> None:
    built = build(
        id="f-1", score=0.5, comment="meh", user="u-17", metadata={"page": 3}, created_at="2026-11-20T00:00:00Z"
    )
    assert built == {
        "id": "f-1",
        "workspace": "acme",
        "generation_id": "g-1",
        "created_at": "2026-11-20T00:00:00.000000+00:00",
        "score": 0.5,
        "comment": "meh",
        "user": "u-17",
        "metadata": {"page": "3"},
    }


@pytest.mark.parametrize(
    ("given", "score"),
    [(-1, -1), (0, 0), (True, 1), (False, 0), (0.25, 0.25), (Decimal("0.5"), 0.5), ("0.75", 0.75), (-1e6, -1e6)],
)
def test_a_score_is_any_number_within_a_million_of_zero(given: Any, score: float) -> None:
    assert build(score=given)["score"] == score


@pytest.mark.parametrize("given", [float("nan"), float("inf"), 1_000_001, -1e7, 10**400, "good", [], object()])
def test_a_score_that_makes_no_sense_is_refused_also_beside_a_comment(given: Any) -> None:
    with pytest.raises(wire.UnusableError, match="score: it has to be a number"):
        build(score=given, comment="fine")


def test_feedback_that_says_nothing_is_refused() -> None:
    for empty in (None, "", 7, []):
        with pytest.raises(wire.UnusableError, match="give at least one"):
            build(comment=empty)


@pytest.mark.parametrize("given", [None, "", [], 1.5])
def test_feedback_on_no_generation_is_refused(given: Any) -> None:
    with pytest.raises(wire.UnusableError, match="generation_id"):
        build(generation_id=given, score=1)


def test_the_generations_id_is_read_as_the_generations_own_is() -> None:
    for own in (7, "x" * 300, " nul\x00"):
        named = wire.generation({"workspace": "acme", "id": own}, now=NOW, random_bytes=RANDOM)["id"]
        assert build(generation_id=own, score=1)["generation_id"] == named


def test_a_long_comment_is_cut_and_cleaned() -> None:
    comment = build(comment="\x00" + "x" * 10_000)["comment"]
    assert len(comment) == wire.COMMENT_CHARACTERS
    assert comment.startswith("\ufffdx")


def test_a_missing_workspace_is_refused_unless_a_server_knows_it() -> None:
    with pytest.raises(wire.UnusableError, match="workspace"):
        build(workspace=None, score=1)
    document = {"generation_id": "g-1", "score": 1}
    assert wire.feedback(document, now=NOW, random_bytes=RANDOM, needs_workspace=False)["workspace"] is None
    with pytest.raises(wire.UnusableError, match="workspace"):
        wire.feedback({**document, "workspace": "No"}, now=NOW, random_bytes=RANDOM, needs_workspace=False)


@settings(deadline=None)
@given(name=st.sampled_from(("id", "generation_id", "score", "comment", "user", "metadata")), odd=ANYTHING)
def test_whatever_a_field_feedback_is_built_or_refused(name: str, odd: Any) -> None:
    try:
        built = build(**{"score": 1, name: odd})
    except wire.UnusableError:
        return
    assert built["score"] is not None or built["comment"]


def test_objects_on_which_everything_raises_are_refused_or_left_empty() -> None:
    odd = hostile.RaisesOnEverything()
    built = build(score=1, comment=odd, user=odd, metadata=odd, created_at=odd)
    assert (built["comment"], built["user"], built["metadata"]) == (None, None, {})
