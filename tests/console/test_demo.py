"""`aftertag demo`: hook, Redis, worker, Postgres, as a stranger runs it; and its end, however it comes."""

import json
import signal
from pathlib import Path

import psycopg
import pytest

from console.demo import conversations
from tests.console.machine import Machine, wait_until_gone
from worker import embedded

KEYS = {"generations", "tagged", "reasons", "seconds", "classifier", "agreement", "tags"}


@pytest.mark.parametrize("engine", ["redis", "fake"])
def test_the_kept_demo_has_its_tags_in_postgres_and_down_ends_it(
    tmp_path: Path, engine: str, request: pytest.FixtureRequest
) -> None:
    if engine == "redis":
        request.getfixturevalue("real_redis_engine")
    machine = Machine(folder=tmp_path, settings={"AFTERTAG_REDIS_ENGINE": engine})
    with machine.running("demo", "--keep", "--json") as demo:
        demo.wait_until_it_says("Classifier: ")
        family = demo.family()
        assert demo.ended() == 0, demo.stderr.read_text()
    try:
        told = json.loads(demo.stdout.read_text())
        assert set(told) == KEYS
        ids = {one["id"] for one in conversations.conversations()}
        assert {one["id"] for one in told["tags"]} == ids
        assert (told["generations"], told["tagged"], told["reasons"]) == (len(ids), len(ids), {})
        assert "local" in told["classifier"]
        assert 0 < told["seconds"] < 90
        assert set(told["agreement"]) == set(conversations.PRESETS)
        for measured in told["agreement"].values():
            assert set(measured) == {"share", "commonest_share", "n"}
            assert 0 < measured["commonest_share"] < measured["share"] <= 1
            assert measured["n"] == len(ids)

        running = embedded.running_at(machine.data_dir)
        assert running is not None
        assert running.redis_engine == engine
        with psycopg.connect(running.database_url) as connection:
            rows = connection.execute("select id, tags from generations where workspace = 'demo'").fetchall()
        assert dict(rows) == {one["id"]: one["tags"] for one in told["tags"]}

        listed = machine.done("tags", "--workspace", "demo")
        assert all(dimension in listed for dimension in conversations.PRESETS)
    finally:
        machine.done("down")
    wait_until_gone(family)
    assert embedded.running_at(machine.data_dir) is None


def test_the_demo_shows_tags_bars_agreement_coverage_and_sql_and_leaves_nothing_behind(tmp_path: Path) -> None:
    machine = Machine(folder=tmp_path)
    with machine.running("demo") as demo:
        demo.wait_until_it_says("Classifier: ")
        family = demo.family()
        assert demo.ended() == 0, demo.stderr.read_text()
    shown = demo.stdout.read_text()
    for title in (
        "Tags by work (local: local-lexical)",
        "Agreement with the tags that a person gave",
        "Coverage of 66",
    ):
        assert title in shown
    assert shown.count("where workspace = 'demo'") == 3
    assert "66 of 66 generations are tagged" in demo.stderr.read_text()
    wait_until_gone(family)
    assert list(machine.temporary.glob("aftertag-demo-*")) == []


def test_what_a_killed_demo_was_to_keep_is_ended_by_down(tmp_path: Path) -> None:
    machine = Machine(folder=tmp_path)
    with machine.running("demo", "--keep") as demo:
        demo.wait_until_it_says("Classifier: ")
        family = demo.family()
        demo.ended(signal.SIGKILL)
    with machine.running("down") as down:
        assert down.ended() == 0
    assert "Ended what was running" in down.stderr.read_text()
    wait_until_gone(family)


def test_a_demo_that_is_told_to_end_ends_all_it_started(tmp_path: Path) -> None:
    machine = Machine(folder=tmp_path)
    with machine.running("demo") as demo:
        demo.wait_until_it_says("Classifier: ")
        family = demo.family()
        assert demo.ended(signal.SIGTERM) == 128 + signal.SIGTERM
    wait_until_gone(family)
    assert list(machine.temporary.glob("aftertag-demo-*")) == []
    assert "Traceback" not in demo.stderr.read_text()
