"""Sampling: the documented formula, nested, by session where the classifier says so, after filters and pauses."""

from typing import Any
from uuid import uuid4

import pytest

from api_hooks import wire
from tests.worker.classifier_samples import definition
from tests.worker.line_stage import NOW
from worker import sampling
from worker.generation import Generation
from worker.sampling import NOBODY, Standing

IDS = [f"generation-{number}" for number in range(10_000)]


def generation(id_: str = "1", **fields: Any) -> Generation:
    return Generation(id=id_, workspace="acme", created_at=NOW, **fields)


def standing(*, paused: bool = False, **settings: Any) -> Standing:
    return Standing(
        classifier_id=uuid4(),
        version=3,
        paused=paused,
        endpoint="local",
        definition=definition(**settings),
        billed_to=uuid4(),
    )


def reason(found: Generation, **settings: Any) -> str | None:
    return sampling.place(found, [standing(**settings)], unasked=None)[0].reason


@pytest.mark.parametrize(
    ("workspace", "key", "first_eight_bytes_of_sha256"),
    [  # by sha256sum, of "acme:1" and so on
        ("acme", "1", "a9484f703fa0e601"),
        ("demo", "019353a0-0000-7000-8000-000000000000", "057560c124fc06cc"),
        ("acme", "größe", "ab931ad4c6a501a3"),
    ],
)
def test_the_draw_is_the_first_53_bits_of_the_documented_hash(
    workspace: str, key: str, first_eight_bytes_of_sha256: str
) -> None:
    assert wire.draw(workspace, key) == int(first_eight_bytes_of_sha256, 16) // 2**11 / 2**53


def test_draws_lie_in_the_half_open_unit_interval_and_differ_by_workspace() -> None:
    assert all(0 <= wire.draw("acme", id_) < 1 for id_ in IDS)
    assert wire.draw("acme", "1") != wire.draw("beta", "1")


@pytest.mark.parametrize("rate", [0.01, 0.1, 0.5, 0.9])
def test_a_sample_of_ten_thousand_is_within_its_binomial_bounds(rate: float) -> None:
    taken = sum(reason(generation(id_), sampling_rate=rate) is None for id_ in IDS[:3_000])
    deviation = (3_000 * rate * (1 - rate)) ** 0.5
    assert abs(taken - 3_000 * rate) < 4 * deviation
    drawn = sum(wire.draw("acme", id_) < rate for id_ in IDS)
    assert abs(drawn - 10_000 * rate) < 4 * (10_000 * rate * (1 - rate)) ** 0.5


def test_a_smaller_sample_is_a_subset_of_a_larger_one() -> None:
    def sample(rate: float) -> set[str]:
        one = standing(sampling_rate=rate)
        return {id_ for id_ in IDS[:3_000] if sampling.place(generation(id_), [one], unasked=None)[0].reason is None}

    assert sample(0.1) < sample(0.2) < sample(0.7) < sample(1.0) == set(IDS[:3_000])
    assert sample(0.0) == set()


def test_rate_and_draw_are_kept_with_the_classification() -> None:
    one = standing(sampling_rate=0.25)
    [placed] = sampling.place(generation(), [one], unasked=None)
    assert (placed.rate, placed.draw) == (0.25, wire.draw("acme", "1"))
    assert (placed.classifier_id, placed.version, placed.endpoint, placed.billed_to) == (
        one.classifier_id,
        3,
        "local",
        one.billed_to,
    )


def test_a_session_is_in_or_out_as_a_whole() -> None:
    by_session = standing(sample_by="session", sampling_rate=0.5)
    for session in IDS[:50]:
        turns = [generation(f"{session}-{number}", session_id=session) for number in range(5)]
        found = {sampling.place(turn, [by_session], unasked=None)[0].draw for turn in turns}
        assert found == {wire.draw("acme", session)}


def test_a_generation_without_a_session_is_drawn_by_itself() -> None:
    [placed] = sampling.place(generation("1"), [standing(sample_by="session")], unasked=None)
    assert placed.draw == wire.draw("acme", "1")


@pytest.mark.parametrize(
    ("filters", "passes"),
    [
        ({}, True),
        ({"models": ["gpt-*", "claude-*"]}, True),
        ({"models": ["gpt-*"]}, False),
        ({"apps": ["shop"], "users": ["a?a"]}, True),
        ({"apps": ["SHOP"]}, False),
        ({"apps": ["shop"], "users": ["bob"]}, False),
        ({"metadata": {"team": "r*"}}, True),
        ({"metadata": {"team": "r*", "tier": "*"}}, False),
        ({"metadata": {"team": "[!r]*"}}, False),
    ],
)
def test_filters_are_globs_of_which_one_per_list_must_match(filters: dict[str, Any], passes: bool) -> None:
    found = generation(model="claude-x", app="shop", user="ada", metadata={"team": "red"})
    assert reason(found, filters=filters) == (None if passes else "filtered_out")


def test_what_a_generation_does_not_say_passes_no_filter() -> None:
    assert reason(generation(), filters={"users": ["*"]}) == "filtered_out"


def test_pauses_come_before_filters_and_filters_before_the_draw() -> None:
    nothing_passes = {"filters": {"apps": ["x"]}, "sampling_rate": 0.0}
    assert reason(generation(), paused=True, **nothing_passes) == "paused"
    assert reason(generation(), **nothing_passes) == "filtered_out"
    assert reason(generation(), sampling_rate=0.0) == "sampled_out"


def test_every_generation_has_at_least_one_row() -> None:
    assert [(one.classifier_id, one.reason) for one in sampling.place(generation(), [], unasked=None)] == [
        (NOBODY, "no_classifier")
    ]
    assert [one.reason for one in sampling.place(generation(), [standing(), standing()], unasked="own_call")] == [
        "own_call"
    ]
    assert len(sampling.place(generation(), [standing(), standing()], unasked=None)) == 2


@pytest.mark.parametrize("classifiers_rate", [0.05, 0.5, 1.0])
def test_what_its_sender_sampled_out_is_sampled_out_here_whatever_the_rate(classifiers_rate: float) -> None:
    found = generation(source_rate=0.1, source_draw=0.7)
    [placed] = sampling.place(found, [standing(sampling_rate=classifiers_rate)], unasked=None)
    assert (placed.reason, placed.rate, placed.draw) == ("sampled_out", 0.1, 0.7)


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        ((wire.WITHHELD, wire.WITHHELD), "sampled_out"),
        ((wire.WITHHELD, ""), "sampled_out"),
        ((wire.WITHHELD, "It scatters."), None),
        (("", ""), None),
        ((), None),
    ],
)
def test_where_a_redaction_failed_on_all_that_was_said_nobody_is_asked(
    texts: tuple[str, ...], expected: str | None
) -> None:
    found = generation(turns=[("user", text, None, None) for text in texts])
    assert reason(found, sampling_rate=1.0) == expected
    (placed,) = sampling.place(found, [standing(sampling_rate=1.0)], unasked=None)
    assert placed.rate == (1.0 if expected is None else 0.0)
