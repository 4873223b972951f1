import inspect
import json
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from api_hooks import enqueue, wire
from tests.api_hooks import hostile
from tests.api_hooks.test_wire_messages import ANYTHING
from worker import generation as receiving

NOW = datetime(2026, 11, 21, 9, 30, 0, 123456, UTC)
RANDOM = bytes(range(10))
DEMO = Path(__file__).parents[2] / "console" / "demo" / "conversations.jsonl"

FIELDS = [name for name in inspect.signature(enqueue).parameters if not name.startswith("unknown")] + [
    "turns",
    "left_out",
]
ODD_TIMES: list[Any] = ["soon", float("nan"), float("inf"), [], "0000-00-00"]
ODD_NUMBERS: list[Any] = [None, True, -1, float("nan"), float("inf"), 10**9, "much", [], "1" * 41]


def build(**document: Any) -> dict[str, Any]:
    return wire.generation({"workspace": "acme", **document}, now=NOW, random_bytes=RANDOM)


def accepted(generation: dict[str, Any]) -> receiving.Generation:
    """As the worker reads it, off the wire."""
    return receiving.read(json.loads(json.dumps(generation)), now=NOW, past=timedelta(days=30_000))


def test_a_generation_with_nothing_but_a_workspace_is_complete() -> None:
    generation = build()
    assert generation == {
        "id": wire.uuid7(int(NOW.timestamp() * 1000), RANDOM),
        "id_given": False,
        "workspace": "acme",
        "created_at": "2026-11-21T09:30:00.123456+00:00",
        **dict.fromkeys(("model", "provider", "cost_usd", "latency_ms", "finish_reason")),
        **dict.fromkeys(("user", "session_id", "app", "api_key_name")),
        "turns": [],
        "tools": [],
        "usage": {},
        "streamed": False,
        "metadata": {},
        "left_out": 0,
    }
    accepted(generation)


def test_uuid7_bears_its_time_and_its_version() -> None:
    made = UUID(wire.uuid7(1_763_717_400_123, b"\xff" * 10))
    assert made.version == 7
    assert made.variant == "specified in RFC 4122"
    assert made.int >> 80 == 1_763_717_400_123
    assert str(made) == wire.uuid7(1_763_717_400_123, b"\xff" * 10)


def test_an_id_that_is_made_bears_the_time_of_the_generation() -> None:
    made = UUID(build(created_at="2020-01-01T00:00:00Z")["id"])
    assert made.int >> 80 == int(datetime(2020, 1, 1, tzinfo=UTC).timestamp() * 1000)


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("chatcmpl-1", "chatcmpl-1"),
        ("x" * 200, "x" * 200),
        (7, "7"),
        (UUID(int=5), str(UUID(int=5))),
        ("a\x00b\udc80", "a\ufffdb\ufffd"),
    ],
)
def test_an_id_of_the_callers_is_kept(given: object, kept: str) -> None:
    assert (build(id=given)["id"], build(id=given)["id_given"]) == (kept, True)


def test_text_with_hostile_methods_is_read_by_its_characters() -> None:
    generation = build(id=hostile.HostileStr("own"), cost_usd=hostile.HostileStr("0.5"), user=hostile.HostileStr("u"))
    assert (generation["id"], generation["cost_usd"], generation["user"]) == ("own", 0.5, "u")


@pytest.mark.parametrize("given", [None, "", True, 10**18, 1.5, ["x"], b"x"])
def test_what_is_no_id_is_replaced_by_a_new_one(given: object) -> None:
    generation = build(id=given)
    assert not generation["id_given"]
    assert UUID(generation["id"]).version == 7


def test_an_id_that_is_too_long_becomes_its_digest_so_that_it_is_still_recorded_once() -> None:
    first, again, other = build(id="x" * 201), build(id="x" * 201), build(id="x" * 202)
    assert first["id"] == again["id"] != other["id"]
    assert first["id"].startswith("sha256:")
    assert first["id_given"]


@pytest.mark.parametrize(
    ("given", "written"),
    [
        (datetime(2026, 1, 2, 3, tzinfo=timezone(timedelta(hours=1))), "2026-01-02T02:00:00.000000+00:00"),
        ("2026-01-02T03:00:00+01:00", "2026-01-02T02:00:00.000000+00:00"),
        ("2026-01-02T03:00:00", "2026-01-02T03:00:00.000000+00:00"),
        ("2026-01-02", "2026-01-02T00:00:00.000000+00:00"),
        (1_767_322_800, "2026-01-02T03:00:00.000000+00:00"),
        (1_767_322_800_500, "2026-01-02T03:00:00.500000+00:00"),
        *[(odd, "2026-11-21T09:30:00.123456+00:00") for odd in ODD_TIMES],
        (10**30, "2026-11-21T09:30:00.123456+00:00"),
        (datetime.max.replace(tzinfo=timezone(timedelta(hours=-5))), "2026-11-21T09:30:00.123456+00:00"),
    ],
)
def test_times_are_written_in_utc_and_nonsense_becomes_now(given: object, written: str) -> None:
    assert build(created_at=given)["created_at"] == written


def test_a_time_without_a_zone_is_in_this_machines() -> None:
    naive = datetime(2026, 1, 2, 3)  # noqa: DTZ001 - the case under test
    assert datetime.fromisoformat(build(created_at=naive)["created_at"]) == naive.astimezone(UTC)


@pytest.mark.parametrize("workspace", [None, 7, "", "Acme", "a b", "-a", "a" * 64, "acme\n", "acme\x00"])
def test_without_a_workspace_there_is_no_generation(workspace: object) -> None:
    with pytest.raises(wire.UnusableError, match="workspace"):
        build(workspace=workspace)


@pytest.mark.parametrize(
    ("given", "counted"),
    [
        ({"prompt": 5, "completion": 2, "cached": 1, "reasoning": 0}, (5, 2, 1, 0)),
        (
            {
                "prompt_tokens": 5,
                "completion_tokens": 2,
                "prompt_tokens_details": {"cached_tokens": 4},
                "completion_tokens_details": SimpleNamespace(reasoning_tokens=1),
            },
            (5, 2, 4, 1),
        ),
        (
            SimpleNamespace(input_tokens=5, output_tokens=2, output_tokens_details={"reasoning_tokens": 1}),
            (5, 2, None, 1),
        ),
        (
            {"input_tokens": 5, "output_tokens": 2, "cache_read_input_tokens": 30, "cache_creation_input_tokens": 100},
            (135, 2, 30, None),
        ),
        ({"prompt_token_count": 5, "candidates_token_count": 2, "thoughts_token_count": 7}, (5, 9, None, 7)),
        ({"prompt": "12", "completion": 3.0, "cached": -1, "reasoning": True}, (12, 3, None, None)),
        ({"prompt": 10**13, "completion": float("nan")}, (None, None, None, None)),
        (7, (None,) * 4),
    ],
)
def test_usage_of_every_provider_is_read(given: object, counted: tuple[int | None, ...]) -> None:
    usage = build(usage=given)["usage"]
    assert tuple(usage.get(name) for name in ("prompt", "completion", "cached", "reasoning")) == counted


def test_usage_that_raises_is_left_empty() -> None:
    assert build(usage=hostile.RaisesOnEverything())["usage"] == {}


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        (0, 0),
        (1.5, 1.5),
        (Decimal("0.25"), 0.25),
        ("0.5", 0.5),
        *[(odd, None) for odd in ODD_NUMBERS],
        (10**400, None),
    ],
)
def test_costs_and_latencies_are_numbers_or_unknown(given: object, kept: float | None) -> None:
    generation = build(cost_usd=given, latency_ms=given)
    assert (generation["cost_usd"], generation["latency_ms"]) == (kept, kept)
    accepted(generation)


def test_names_are_cut_to_512_characters_and_other_kinds_are_left_empty() -> None:
    generation = build(model="m" * 600, provider=["x"], user=42, app=hostile.RaisesOnEverything(), session_id="a\x00")
    assert generation["model"] == "m" * 512
    assert [generation[name] for name in ("provider", "user", "app", "session_id")] == [None, "42", None, "a\ufffd"]


def test_metadata_is_text_to_text_and_at_most_64_pairs() -> None:
    given = {"a": "1", "b": 2, "c": None, "d": {"x": [1]}, "": "no key", "k" * 600: "v" * 600, 7: True}
    assert build(metadata=given)["metadata"] == {
        "a": "1", "b": "2", "d": '{"x": [1]}', "k" * 512: "v" * 512, "7": "true",
    }  # fmt: skip
    many = build(metadata={str(number): "x" for number in range(100_000)})
    assert len(many["metadata"]) == 64
    accepted(many)
    assert build(metadata=["x"])["metadata"] == build(metadata=hostile.RaisesOnEverything())["metadata"] == {}


def test_what_the_caller_does_not_say_is_taken_from_a_whole_response() -> None:
    output = {
        "model": "gpt-4o-2024",
        "choices": [{"message": {"role": "assistant", "content": "hi"}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 3, "completion_tokens": 1},
    }
    generation = build(output=output)
    assert (generation["model"], generation["finish_reason"]) == ("gpt-4o-2024", "stop")
    assert generation["usage"] == {"prompt": 3, "completion": 1}
    assert build(output=output, model="mine")["model"] == "mine"


def test_a_generation_of_more_than_1_mb_keeps_its_first_and_last_turns_and_says_how_many_it_left_out() -> None:
    messages = [{"role": "user", "content": f"{number} " + "é" * 4_000} for number in range(5_000)]
    generation = build(messages=messages)
    turns = generation["turns"]
    assert len(turns) + generation["left_out"] == 5_000
    assert turns[0][1].startswith("0 ")
    assert turns[-1][1].startswith("4999 ")
    assert 900_000 < len(json.dumps(turns, ensure_ascii=False).encode()) <= wire.GENERATION_BYTES
    accepted(generation)


def test_turns_that_grow_six_times_as_json_stay_below_1_mb_too() -> None:
    generation = build(messages=["\x01" * 5_000] * 100)
    assert generation["left_out"] > 0
    assert len(json.dumps(generation["turns"])) <= wire.GENERATION_BYTES


def test_no_generation_has_more_than_20000_turns() -> None:
    generation = build(messages=[str(number) for number in range(30_000)])
    assert len(generation["turns"]) == 20_000
    assert generation["left_out"] == 10_000
    assert (generation["turns"][0][1], generation["turns"][-1][1]) == ("0", "29999")
    accepted(generation)


def test_turns_that_stand_in_a_document_as_the_wire_writes_them_are_held_to_the_contract() -> None:
    written = [["user", "x" * 6_000, None, None], ["assistant", "y" * 5_001, None, 9_000], ["odd", "z"], 7, ["user"]]
    turns = build(turns=written)["turns"]
    assert turns[0] == ["user", "x" * 5_001, None, 6_000]
    assert turns[1] == ["assistant", "y" * 5_001, None, 9_000]
    assert turns[2] == ["user", "z", None, None]
    assert [turn[0] for turn in turns] == ["user", "assistant", "user", "user", "user"]


def test_every_sample_conversation_of_the_demo_becomes_what_the_worker_accepts() -> None:
    for line in DEMO.read_text(encoding="utf-8").splitlines():
        document = json.loads(line)
        generation = accepted(build(**document))
        assert generation.id == document["id"]
        assert generation.turns
        assert all(wire.UNREADABLE not in turn[1] for turn in generation.turns)


@settings(max_examples=300, deadline=None)
@given(document=st.dictionaries(st.sampled_from(FIELDS), ANYTHING))
def test_whatever_stands_in_a_document_the_worker_accepts_what_is_made_of_it(document: dict[str, Any]) -> None:
    generation = build(**{**document, "workspace": "acme", "created_at": None})
    assert accepted(generation).id == generation["id"]
    assert receiving.storable(generation) == generation  # the server does not look for that again


@pytest.mark.parametrize(
    "telling",
    [
        "chatcmpl-AbCdEfGhIjKlMnOpQrStUvWx",
        "resp_0a1b2c3d4e5f60718293a4b5c6d7e8f9",
        "msg_01XFDUDYJgAACzvnptvVoYEL",
        "gen-1729000000-AbCdEfGhIjKl",
        "0193b0a4-8e2b-7c11-9c3f-1234567890ab",
    ],
)
def test_a_providers_response_names_the_generation(telling: str) -> None:
    built = build(output={"id": telling, "choices": []})
    assert (built["id"], built["id_given"]) == (telling, True)


@pytest.mark.parametrize("counted", ["chatcmpl-123", "cmpl-7", "1", "", "chatcmpl-", 123, None, {}])
def test_a_response_id_that_many_calls_may_share_names_no_generation(counted: object) -> None:
    built = build(output={"id": counted, "choices": []})
    assert built["id_given"] is False


def test_the_callers_id_goes_before_the_responses() -> None:
    output = {"id": "chatcmpl-AbCdEfGhIjKlMnOpQrStUvWx", "choices": []}
    assert build(id="mine", output=output)["id"] == "mine"


def test_where_a_server_knows_the_workspace_none_may_be_named() -> None:
    built = wire.generation({}, now=NOW, random_bytes=RANDOM, needs_workspace=False)
    assert built["workspace"] is None
    with pytest.raises(wire.UnusableError, match="workspace"):
        wire.generation({"workspace": "No"}, now=NOW, random_bytes=RANDOM, needs_workspace=False)
