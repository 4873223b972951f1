"""`aftertag demo`: hook, Redis, worker, Postgres, as a stranger runs it; and its end, however it comes."""

import json
import signal
from pathlib import Path

import psycopg
import pytest

from classifier_models.endpoints import from_environment
from console.demo import choosing, conversations
from console.demo.playing import DEADLINE_SECONDS
from tests.console.command_line import CommandLine
from tests.console.machine import Machine, command_of, wait_until_gone
from tests.hung import hung
from tests.model_server import ModelServer
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
        assert told["seconds"] > 0
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


def test_the_demo_asks_the_first_endpoint_that_has_a_default_model_and_says_whom_it_does_not_ask(
    tmp_path: Path,
) -> None:
    with ModelServer() as server:
        settings = {"OLLAMA_HOST": "127.0.0.1:9", "AFTERTAG_ENDPOINT_GOOGLE_URL": server.url}
        with Machine(folder=tmp_path, settings=settings).running("demo", "--json") as demo:
            assert demo.ended() == 0, demo.stderr.read_text()
        assert {request.json()["model"] for request in server.play.requests} == {"gemini-3.5-flash-lite"}
    told = json.loads(demo.stdout.read_text())
    assert (told["tagged"], told["reasons"]) == (66, {})
    assert told["classifier"] == "work (google: gemini-3.5-flash-lite)"
    assert "Not asked: endpoint 'ollama', whose models only you know; --endpoint ollama --model NAME." in (
        demo.stderr.read_text()
    )


@pytest.mark.parametrize(
    ("environ", "endpoint", "asked", "passed_over"),
    [
        ({}, None, "work (local: local-lexical)", ()),
        ({"OLLAMA_HOST": "box"}, None, "work (local: local-lexical)", ("ollama",)),
        (
            {"OPENAI_API_KEY": "k", "OPENROUTER_API_KEY": "k"},
            None,
            "work (openrouter: google/gemini-3.5-flash-lite)",
            (),
        ),
        ({"OPENAI_API_KEY": "k"}, "local", "work (local: local-lexical)", ()),
    ],
)
def test_the_demo_chooses_among_what_is_configured(
    environ: dict[str, str], endpoint: str | None, asked: str, passed_over: tuple[str, ...]
) -> None:
    choice = choosing.choose(from_environment(environ), endpoint=endpoint, model=None)
    assert (choice.classifier, choice.passed_over) == (asked, passed_over)


def test_the_demo_asks_the_model_that_is_named(tmp_path: Path) -> None:
    with ModelServer() as server:
        settings = {"OPENAI_API_KEY": "unused", "AFTERTAG_ENDPOINT_HOUSE_URL": server.url}
        machine = Machine(folder=tmp_path, settings=settings)
        told = json.loads(machine.done("demo", "--endpoint", "house", "--model", "our-own", "--json"))
        assert {request.json()["model"] for request in server.play.requests} == {"our-own"}
    assert (told["tagged"], told["classifier"]) == (66, "work (house: our-own)")


def test_the_demo_says_at_once_that_the_key_is_refused_and_prints_its_object(tmp_path: Path) -> None:
    with ModelServer() as server:
        server.play_always("401")
        machine = Machine(folder=tmp_path, settings={"AFTERTAG_ENDPOINT_OPENAI_URL": server.url})
        with machine.running("demo", "--json") as demo:
            assert demo.ended() == 1
    told, said = json.loads(demo.stdout.read_text()), demo.stderr.read_text()
    assert set(told) == KEYS
    assert (told["generations"], told["tagged"]) == (66, 0)
    assert told["reasons"]["auth_failed"] > 0
    assert told["seconds"] < DEADLINE_SECONDS, "it waited until its patience was over"
    assert (
        "Endpoint 'openai' refuses the key for 'gpt-6-luna' (auth_failed): give a valid one in OPENAI_API_KEY" in said
    )
    assert str(machine.temporary) not in said.splitlines()[-1]
    assert list(machine.temporary.glob("aftertag-demo-*")) == []


def test_the_demo_says_what_a_server_answers_that_does_not_know_the_model(tmp_path: Path) -> None:
    with ModelServer() as server:
        server.play_always("404")
        machine = Machine(folder=tmp_path, settings={"AFTERTAG_ENDPOINT_HOUSE_URL": server.url})
        with machine.running("demo", "--endpoint", "house", "--model", "nobody") as demo:
            assert demo.ended() == 1
    assert "Coverage of 66" in demo.stdout.read_text()
    said = demo.stderr.read_text()
    assert "Only 0 of 66 generations are tagged by 'nobody' at endpoint 'house'; 66 are provider_error: " in said
    assert "Check the classifier's model name against what its endpoint offers." in said


def test_of_a_worker_that_ends_by_itself_the_demo_shows_the_end_of_its_log_and_names_no_file_that_is_gone(
    tmp_path: Path,
) -> None:
    with ModelServer() as server:
        server.play_always("hang")
        machine = Machine(folder=tmp_path, settings={"AFTERTAG_ENDPOINT_OPENAI_URL": server.url})
        with machine.running("demo", "--json") as demo:
            demo.wait_until_it_says("Classifier: ")
            (worker,) = [one for one in demo.family() if command_of(one)[-2:] == ["console", "worker"]]
            worker.kill()
            assert demo.ended() == 1
    assert json.loads(demo.stdout.read_text())["tagged"] == 0
    said = demo.stderr.read_text()
    assert "The worker ended by itself.\nIts log ends with:\n" in said
    assert ".log" not in said


@pytest.mark.parametrize(
    ("settings", "arguments", "code", "told"),
    [
        ({}, ("--model", "m"), 2, "name its --endpoint, too"),
        ({}, ("--endpoint", "house"), 1, "Endpoint 'house' is not configured here"),
        ({"OLLAMA_HOST": "127.0.0.1:9"}, ("--endpoint", "ollama"), 1, "Nobody but you knows which models endpoint"),
        (
            {"AFTERTAG_ENDPOINT_OPENAI_URL": "http://127.0.0.1:1/v1", "OPENAI_API_KEY": "k"},
            (),
            1,
            "Endpoint 'openai' cannot be reached at 127.0.0.1:1 (Connection refused): start its server, or correct its"
            " address (AFTERTAG_ENDPOINT_OPENAI_URL), or see it without any: `aftertag demo --endpoint local`.",
        ),
    ],
)
def test_a_demo_that_could_ask_nobody_starts_nothing(
    settings: dict[str, str], arguments: tuple[str, ...], code: int, told: str
) -> None:
    ended = CommandLine(settings=settings)("demo", *arguments)
    assert ended.exit_code == code
    assert told in ended.stderr
    assert "Starting" not in ended.stderr


def test_a_demo_whose_endpoint_takes_the_connection_and_stays_silent_says_so_within_seconds() -> None:
    with hung() as silent:
        said = CommandLine(settings={"OLLAMA_HOST": silent}).refused(
            "demo", "--endpoint", "ollama", "--model", "m", "--json"
        )
    assert said.startswith(f"Endpoint 'ollama' cannot be reached at {silent} (no answer within 5 s): ")
    assert "`aftertag demo --endpoint local`" in said
