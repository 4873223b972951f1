"""Recording: once each however often delivered, nothing lost with its neighbours, nothing across workspaces."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC

import pytest
from redis import RedisError
from sqlalchemy import Engine, text

from classifier_models import marker
from tests.worker import line_stage
from tests.worker.line_stage import NOW, Bells, count, record, rows, wire
from tests.worker.meeting import wait_until_somebody_waits
from worker import depths, sweeping
from worker.line import Line
from worker.store import classifiers, workspaces
from worker.store.recording import Key, ensure_workspaces


def test_a_generation_is_recorded_with_its_text_and_its_classification_and_rung_for(
    line: Line, bells: Bells, engine: Engine
) -> None:
    asked = line_stage.classifier(engine)
    found = record(line, wire("1", model="m", cost_usd=0.25, usage={"prompt": 7}, user="u", metadata={"team": "red"}))
    key: Key = ("acme", "1", NOW)
    assert (found.new, found.known, found.rejected) == ({key}, 0, [])
    assert bells == [("local", key)]
    assert rows(engine, "select model, cost_usd::float8, prompt_tokens, user_id, metadata, tags from generations") == [
        ("m", 0.25, 7, "u", {"team": "red"}, {})
    ]
    assert rows(engine, "select turns ->> 0 from transcripts") == ['["user", "Why is the sky blue?", null, null]']
    assert rows(
        engine,
        "select classifier_id, version, state, reason, rate, draw < 1, due_at <= now(), rung_at is null from classifications",
    ) == [(asked.id, 1, "pending", None, 1.0, True, True, False)]


def test_a_workspace_that_is_not_there_is_made_and_its_generation_says_no_classifier(
    line: Line, bells: Bells, engine: Engine
) -> None:
    record(line, wire("1", workspace="new-one"))
    assert rows(engine, "select workspace, state, reason from classifications") == [
        ("new-one", "not_run", "no_classifier")
    ]
    assert rows(engine, "select id from workspaces") == ["new-one"]
    assert bells == []


def test_text_is_stored_as_long_as_its_workspace_keeps_it_whether_or_not_a_classifier_asks(
    line: Line, bells: Bells, engine: Engine
) -> None:
    line_stage.classifier(engine, sampling_rate=0.0)
    line_stage.classifier(engine, workspace="gone", filters={"apps": ["none"]})
    line_stage.classifier(engine, workspace="still", sampling_rate=0.0)
    with engine.begin() as connection:
        classifiers.pause(connection, "still", "work")
    record(line, *[wire("1", workspace=name) for name in ("acme", "gone", "still", "nobodys")])
    assert rows(engine, "select workspace, reason from classifications order by 1") == [
        ("acme", "sampled_out"),
        ("gone", "filtered_out"),
        ("nobodys", "no_classifier"),
        ("still", "paused"),
    ]
    assert rows(engine, "select workspace from transcripts order by 1") == ["acme", "gone", "nobodys", "still"]
    assert bells == []


def test_a_workspace_that_keeps_no_text_stores_only_what_is_to_be_asked_about(line: Line, engine: Engine) -> None:
    line_stage.classifier(engine, filters={"apps": ["shop"]})
    with engine.begin() as connection:
        workspaces.update(connection, "acme", keep_text_days=0)
    record(line, wire("asked", app="shop"), wire("not asked", app="desk"), wire("theirs", workspace="other"))
    assert rows(engine, "select generation_id from transcripts order by 1") == ["asked", "theirs"]


def test_a_workspace_that_another_makes_meanwhile_is_found_with_its_setting(engine: Engine) -> None:
    with ThreadPoolExecutor(1) as pool:
        with engine.begin() as maker:
            workspaces.create(maker, "new", keep_text_days=0)

            def ensure() -> dict[str, int]:
                with engine.begin() as connection:
                    return ensure_workspaces(connection, ["new", "newer"])

            found = pool.submit(ensure)
            wait_until_somebody_waits(engine, what="a statement that waits for the maker")
        assert found.result(timeout=30) == {"new": 0, "newer": 30}


def test_a_call_of_our_own_is_no_generation_and_is_never_classified(line: Line, bells: Bells, engine: Engine) -> None:
    line_stage.classifier(engine)
    said = f"{marker.line(line_stage.mark(engine))}\nPlace it."
    own = wire("1", turns=[["system", said, None, None], ["user", "USER: hi", None, None]])
    record(line, own)
    assert record(line, own).new == set()
    assert rows(engine, "select state, reason from classifications") == [("not_run", "own_call")]
    assert (count(engine, "generations"), count(engine, "transcripts")) == (0, 0)
    assert bells == []


UNPROVEN: list[dict[str, object]] = [
    {"turns": [["system", "[aftertag own call]\nPlace it.", None, None], ["user", "USER: hi", None, None]]},
    {"turns": [["system", f"{marker.line('0' * 16)}\nPlace it.", None, None]]},
    {"own_call": "0" * 16},
    {"own_call": True},  # as hooks said it before there were marks
    {"metadata": {"aftertag_own_call": "somebody's"}},
]


@pytest.mark.parametrize("fields", UNPROVEN)
def test_whoever_writes_a_mark_that_is_not_this_installations_hides_no_usage_and_is_not_classified(
    fields: dict[str, object], line: Line, bells: Bells, engine: Engine
) -> None:
    line_stage.classifier(engine)
    given = wire("1", cost_usd=0.25, usage={"prompt": 7}, **fields)
    record(line, given)
    assert record(line, given).new == set()
    assert rows(engine, "select state, reason from classifications") == [("not_run", "unproven_own_call")]
    assert rows(engine, "select prompt_tokens, cost_usd::float8 from generations") == [(7, 0.25)]
    assert rows(engine, "select cost_usd::float8 from spend") == [0.25]
    assert count(engine, "transcripts") == 1
    assert bells == []


def test_a_mark_of_another_form_is_set_aside_with_its_generation(line: Line, engine: Engine) -> None:
    [rejected] = record(line, wire("1", own_call="x" * 65)).rejected
    assert rejected.error.startswith("own_call: ")


LINE = marker.line("0" * 16)


@pytest.mark.parametrize(
    "turns",
    [
        [["user", f"{LINE}\nPlace it."]],
        [["system", "Be brief."], ["user", LINE]],
        [["user", "hi"], ["system", f"{LINE}\nPlace it."]],
        [["assistant", LINE]],
        [["system", f"{LINE} is how a prompt of Aftertag begins."]],
        [["system", f"Explain {LINE}."]],
        [["system", "[aftertag own call of mine]\nPlace it."]],
    ],
)
def test_what_only_speaks_of_a_mark_is_classified_like_any(line: Line, engine: Engine, turns: list[list[str]]) -> None:
    line_stage.classifier(engine)
    record(line, wire("1", turns=[[*turn, None, None] for turn in turns]))
    assert rows(engine, "select state from classifications") == ["pending"]
    assert count(engine, "generations") == 1


def test_a_redelivery_after_a_classifier_was_activated_changes_nothing(
    line: Line, bells: Bells, engine: Engine
) -> None:
    given = [wire("1"), wire("2", id_given=False)]
    record(line, *given)
    line_stage.classifier(engine)
    assert record(line, *given).new == set()
    assert rows(engine, "select reason from classifications") == ["no_classifier"] * 2
    assert bells == []


def test_the_same_id_in_two_workspaces_is_two_generations_and_each_has_its_own_classifier(
    line: Line, bells: Bells, engine: Engine
) -> None:
    asked = {name: line_stage.classifier(engine, workspace=name).id for name in ("acme", "beta")}
    found = record(line, wire("1"), wire("1", workspace="beta"), wire("1", workspace="nobodys"))
    assert len(found.new) == 3
    assert rows(engine, "select workspace, classifier_id::text, reason from classifications order by 1") == [
        ("acme", str(asked["acme"]), None),
        ("beta", str(asked["beta"]), None),
        ("nobodys", "00000000-0000-0000-0000-000000000000", "no_classifier"),
    ]
    assert {workspace for _, (workspace, _, _) in bells} == {"acme", "beta"}


def test_two_classifiers_on_one_endpoint_ring_once_and_on_two_endpoints_twice(
    line: Line, bells: Bells, engine: Engine
) -> None:
    line_stage.classifier(engine, "one", dimension="a")
    line_stage.classifier(engine, "two", dimension="b")
    record(line, wire("1"))
    assert [endpoint for endpoint, _ in bells] == ["local"]
    line_stage.classifier(engine, "three", dimension="c", endpoint="elsewhere", model="m")
    bells.clear()
    record(line, wire("2"))
    assert sorted(endpoint for endpoint, _ in bells) == ["elsewhere", "local"]
    assert rows(engine, "select count(*) from classifications group by generation_id order by 1") == [2, 3]


@pytest.mark.parametrize("depth", [depths.SHORT_QUEUE + 1, RedisError("away")])
def test_where_a_queue_is_long_or_unknown_recording_rings_no_more_and_the_sweep_does_as_room_comes(
    line: Line, bells: Bells, engine: Engine, depth: int | RedisError
) -> None:
    line_stage.classifier(engine)
    bells.depth = depth
    assert len(record(line, wire("1"), wire("2")).new) == 2
    assert bells == []
    assert rows(engine, "select state, rung_at from classifications") == [("pending", None)] * 2
    assert sweeping.sweep(line, depth=lambda queue: 0) == 2
    assert sorted(id_ for _, (_, id_, _) in bells) == ["1", "2"]


def test_the_depth_of_a_queue_is_asked_for_once_a_second_and_each_endpoint_has_its_own() -> None:
    now, long, looked = [0.0], {"classify.hung"}, list[str]()

    def depth(queue: str) -> int:
        looked.append(queue)
        return depths.SHORT_QUEUE + (queue in long)

    found = depths.Depths(depth=depth, clock=lambda: now[0])
    assert [found.has_room(name) for name in ("hung", "well") * 3] == [False, True] * 3
    assert looked == ["classify.hung", "classify.well"]
    long.clear()
    now[0] += depths.LOOK_AGAIN_SECONDS
    assert found.has_room("hung")


def test_a_paused_classifier_leaves_its_reason(line: Line, bells: Bells, engine: Engine) -> None:
    line_stage.classifier(engine)
    with engine.begin() as connection:
        classifiers.pause(connection, "acme", "work")
    record(line, wire("1"))
    assert rows(engine, "select state, reason, rate from classifications") == [("not_run", "paused", 1.0)]
    assert bells == []


def test_a_classifier_of_another_release_is_not_asked_and_stops_nobody_else(
    line: Line, bells: Bells, engine: Engine, capsys: pytest.CaptureFixture[str]
) -> None:
    odd = line_stage.classifier(engine, "odd", dimension="a").id
    line_stage.classifier(engine, "well", dimension="b")
    with engine.begin() as connection:
        connection.execute(
            text("update classifier_versions set definition = :of where classifier_id = :id"),
            {"of": '{"of": "another release"}', "id": odd},
        )
    for id_ in ("1", "2"):
        assert len(record(line, wire(id_)).new) == 1
    assert rows(
        engine, "select distinct classifier_id = :odd, state, reason from classifications order by 1", odd=odd
    ) == [
        (False, "pending", None),
        (True, "not_run", "paused"),
    ]
    assert count(engine, "set_aside") == 0
    assert capsys.readouterr().out.count(str(odd)) == 1


def test_times_come_back_in_utc(line: Line, engine: Engine) -> None:
    record(line, wire("1", created_at=NOW.isoformat().replace("+00:00", "Z")))
    [created_at] = rows(engine, "select created_at from generations")
    assert created_at == NOW
    assert created_at.tzinfo.utcoffset(created_at) == UTC.utcoffset(None)
