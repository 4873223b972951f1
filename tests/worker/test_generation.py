"""Every document that comes in is a generation, or a sentence that names the field and quotes nothing of it."""

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine

from tests.worker import line_stage
from tests.worker.line_stage import NOW, wire
from worker import generation, recording
from worker.generation import Generation, Unacceptable
from worker.store import partitions
from worker.store.recording import Key

PAST = timedelta(days=30)
SENTINEL = "zanzibar"


def read(document: object) -> Generation:
    return generation.read(document, now=NOW, past=PAST)


def problem(document: object) -> str:
    with pytest.raises(Unacceptable) as caught:
        read(document)
    return str(caught.value)


def test_a_generation_with_every_field_is_read() -> None:
    found = read(
        wire(
            "1",
            model="m",
            provider="p",
            tools=["search"],
            usage={"prompt": 1, "completion": 2, "cached": 3, "reasoning": 4},
            cost_usd=0.0125,
            latency_ms=1.5,
            finish_reason="stop",
            streamed=True,
            user="u",
            session_id="s",
            app="a",
            api_key_name="k",
            metadata={"team": "red"},
            left_out=3,
        )
    )
    assert found.usage.model_dump() == {"prompt": 1, "completion": 2, "cached": 3, "reasoning": 4}
    assert (found.cost_usd, found.latency_ms, found.streamed, found.left_out) == (Decimal("0.0125"), 1.5, True, 3)
    assert (found.user, found.session_id, found.app, found.api_key_name) == ("u", "s", "a", "k")
    assert found.metadata == {"team": "red"}
    assert found.turns[0] == ("user", "Why is the sky blue?", None, None)


def test_a_generation_needs_only_an_id_a_workspace_and_a_time() -> None:
    found = read({"id": "1", "workspace": "acme", "created_at": NOW.isoformat()})
    assert (found.turns, found.model, found.metadata, found.cost_usd) == ([], None, {}, None)


def test_nul_and_lone_surrogates_become_replacement_characters_everywhere() -> None:
    bad = "a\x00b\ud800c"
    found = read(
        wire(
            f"i{bad}",
            turns=[["user", bad, bad, None]],
            tools=[bad],
            model=bad,
            app=bad,
            metadata={f"k{bad}": f"v{bad}"},
        )
    )
    good = "a\ufffdb\ufffdc"
    assert (found.id, found.turns, found.tools, found.model) == (f"i{good}", [("user", good, good, None)], [good], good)
    assert found.metadata == {f"k{good}": f"v{good}"}


def test_what_only_looks_like_an_escaped_nul_stays_as_it_is() -> None:
    assert read(wire("1", turns=[["user", "\\u0000", None, None]])).turns[0][1] == "\\u0000"


def test_five_thousand_turns_and_empty_messages_are_recorded() -> None:
    assert len(read(wire("1", turns=[["user", "", None, None]] * 5_000)).turns) == 5_000


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"turns": [["user", "x" * 10_000_000, None, None]]}, "turns.0.1"),
        ({"turns": [["user", "", None, None]] * 20_001}, "turns"),
        ({"turns": [[SENTINEL, "hello", None, None]]}, "turns.0.0"),
        ({"turns": [["user", None, None, None]]}, "turns.0.1"),
        ({"turns": [["user", "hello"]]}, "turns.0.2"),
        ({"turns": [{"role": SENTINEL}]}, "turns.0"),
        ({"turns": SENTINEL}, "turns"),
        ({"turns": [["user", "hello", None, -1]]}, "turns.0.3"),
        ({"turns": [["user", "hello", None, 10**40]]}, "turns.0.3"),
        ({"tools": [SENTINEL * 100]}, "tools.0"),
        ({"tools": ["t"] * 2_001}, "tools"),
        ({"id": ""}, "id"),
        ({"id": "x" * 201}, "id"),
        ({"id": 7}, "id"),
        ({"id": None}, "id"),
        ({"workspace": f"../{SENTINEL}"}, "workspace"),
        ({"workspace": f"{SENTINEL}\n"}, "workspace"),
        ({"workspace": SENTINEL.upper()}, "workspace"),
        ({"workspace": None}, "workspace"),
        ({"created_at": SENTINEL}, "created_at"),
        ({"created_at": None}, "created_at"),
        ({"created_at": "2026-01-01T00:00:00"}, "created_at"),
        ({"created_at": "0001-01-01T00:00:00+14:00"}, "created_at"),
        ({"created_at": "9999-12-31T23:59:59-14:00"}, "created_at"),
        ({"created_at": 1e300}, "created_at"),
        ({"created_at": float("nan")}, "created_at"),
        ({"created_at": (NOW - timedelta(days=31)).isoformat()}, "created_at"),
        ({"created_at": (NOW + timedelta(hours=25)).isoformat()}, "created_at"),
        ({"cost_usd": -1}, "cost_usd"),
        ({"cost_usd": 10**9}, "cost_usd"),
        ({"cost_usd": float("nan")}, "cost_usd"),
        ({"cost_usd": float("inf")}, "cost_usd"),
        ({"cost_usd": SENTINEL}, "cost_usd"),
        ({"latency_ms": float("nan")}, "latency_ms"),
        ({"latency_ms": float("-inf")}, "latency_ms"),
        ({"latency_ms": 10**400}, "latency_ms"),
        ({"usage": {"prompt": -1}}, "usage.prompt"),
        ({"usage": {"prompt": 10**400}}, "usage.prompt"),
        ({"usage": {"prompt": 1.5}}, "usage.prompt"),
        ({"usage": SENTINEL}, "usage"),
        ({"left_out": 2**31}, "left_out"),
        ({"metadata": {SENTINEL: 1}}, "metadata"),
        ({"metadata": {SENTINEL: "x" * 513}}, "metadata"),
        ({"metadata": {SENTINEL * 100: "x"}}, "metadata"),
        ({"metadata": {str(number): "x" for number in range(65)}}, "metadata"),
        ({"metadata": [SENTINEL]}, "metadata"),
        ({"streamed": SENTINEL}, "streamed"),
        ({"id_given": None}, "id_given"),
        ({"user": ["a"]}, "user"),
        ({"model": "m" * 513}, "model"),
    ],
)
def test_what_cannot_be_recorded_has_a_sentence_that_names_the_field_and_quotes_nothing(
    fields: dict[str, Any], field: str
) -> None:
    said = problem(wire("1", **fields))
    assert said.startswith(f"{field}: ")
    assert SENTINEL not in said.lower()
    assert len(said) < 250


@pytest.mark.parametrize("document", [None, [], "text", 1, {}, [["user"]], float("nan"), {"id": {"id": {}}}])
def test_a_document_that_is_no_generation_has_its_sentence_too(document: object) -> None:
    assert problem(document)


def test_implausible_times_are_told_with_what_is_plausible() -> None:
    assert problem(wire("1", created_at=datetime(2001, 5, 6, tzinfo=UTC))) == (
        "created_at: 2001-05-06 is implausible; it takes the last 30 days to one day ahead (import takes any age)"
    )


def test_a_document_nested_as_deep_as_json_goes_is_unacceptable_and_no_more() -> None:
    depth = 900
    assert problem(json.loads("[" * depth + "]" * depth)).startswith("generation: ")
    assert problem(wire("1", user=json.loads("[" * depth + "]" * depth))).startswith("user: ")


def test_times_are_kept_in_utc() -> None:
    local = (NOW - timedelta(hours=1)).astimezone(datetime.now().astimezone().tzinfo)
    assert read(wire("1", created_at=local)).created_at == local
    assert read(wire("1", created_at=local)).created_at.tzinfo is UTC


def test_a_cost_with_more_digits_than_money_has_is_rounded() -> None:
    assert read(wire("1", cost_usd="1e-400000")).cost_usd == 0
    assert read(wire("1", cost_usd=0.1 + 0.2)).cost_usd == Decimal("0.3")


def test_the_text_of_a_generation_stays_out_of_its_repr() -> None:
    found = read(wire("1", turns=[["user", SENTINEL, None, None]], tools=[SENTINEL], metadata={SENTINEL: SENTINEL}))
    assert SENTINEL not in repr(found)


text = st.text(alphabet=st.characters(codec=None), max_size=40)
scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(min_value=10**20)
    | st.floats()
    | text
    | st.just("x" * 6_000)
)
documents = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(text, inner, max_size=4), max_leaves=10
)
kinds = st.sampled_from(["system", "user", "assistant", "tool_call", "tool_result"])
turns = st.lists(
    st.tuples(kinds, text, st.none() | text, st.none() | st.integers(0, 10**12)).map(list)
    | st.lists(documents, max_size=5),
    max_size=4,
)
near_misses = st.fixed_dictionaries(
    {
        "id": text.filter(bool) | documents,
        "workspace": st.just("acme") | documents,
        "created_at": st.datetimes(
            (NOW - PAST).replace(tzinfo=None), NOW.replace(tzinfo=None), timezones=st.just(UTC)
        ).map(datetime.isoformat)
        | documents,
    },
    optional={
        "turns": turns | documents,
        "tools": st.lists(text, max_size=3) | documents,
        "usage": st.dictionaries(st.sampled_from(["prompt", "cached"]), scalars, max_size=2) | documents,
        "cost_usd": scalars | st.decimals(allow_nan=True).map(str),
        "latency_ms": scalars,
        "metadata": st.dictionaries(text, text, max_size=3) | documents,
        "left_out": scalars,
        **dict.fromkeys(("id_given", "streamed", "user", "session_id", "app", "model", "finish_reason"), scalars),
    },
)
good = st.fixed_dictionaries(
    {"id": text.filter(bool), "workspace": st.just("acme"), "created_at": st.just(NOW.isoformat())},
    optional={
        "id_given": st.booleans(),
        "turns": st.lists(st.tuples(kinds, text, st.none() | text, st.none() | st.integers(0, 10**12)).map(list)),
        "tools": st.lists(text, max_size=3),
        "usage": st.dictionaries(st.sampled_from(["prompt", "cached"]), st.integers(0, 10**12)),
        "cost_usd": st.floats(0, 1e8) | st.decimals(0, 10**8, allow_nan=False).map(str),
        "latency_ms": st.floats(0, 1e8),
        "metadata": st.dictionaries(text, text, max_size=3),
        "left_out": st.integers(0, 10**9),
        "user": text,
        "session_id": text,
        "model": text,
    },
)
as_json = (near_misses | good).map(lambda document: json.loads(json.dumps(document)))


@settings(max_examples=500, deadline=None)
@given(document=as_json | documents)
@example(document=wire("1", created_at="1" * 4_000))
@example(document=wire("1", usage={"prompt": int("9" * 4_000)}))
@example(document=wire("1", cost_usd="9" * 4_000))
@example(document=wire("1", metadata={"a": {"b": {"c": {"d": {"e": {"f": {"g": {"h": {}}}}}}}}}))
def test_reading_any_json_document_ends_in_a_generation_or_in_unacceptable(document: object) -> None:
    accepted, rejected = recording.check([document], now=NOW, past=PAST)
    assert len(accepted) + len(rejected) == 1
    assert all(0 < len(one.error) < 250 for one in rejected)


def test_whatever_is_accepted_can_be_stored(engine: Engine) -> None:
    partitions.make(engine, {NOW.date() - timedelta(days=age) for age in range(32)})
    stored: list[Key] = []

    @settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(some=st.lists(as_json, min_size=1, max_size=8))
    @example(some=[wire("\x00"), wire("\ud800", turns=[["tool_call", "\ud800\x00", "\udfff", 7]])])
    @example(some=[wire("1", cost_usd="1e-400000"), wire("2", left_out=2**31), wire("3", cost_usd=5e-324)])
    def store(some: list[object]) -> None:
        accepted, _ = recording.check(some, now=NOW, past=PAST)
        with engine.begin() as connection:
            new, _ = recording.write(connection, accepted)
        stored.extend(new)

    store()
    assert line_stage.count(engine, "generations") == len(stored) > 50
