"""No text in logs: whatever goes wrong, nothing of a transcript, a tool's name, metadata or an answer is written out."""

import json
import uuid
from typing import Any

import psycopg

import api_hooks
from api_hooks import wire
from tests.acceptance.stage import Stage
from tests.model_server_plays import SENTINEL as ANSWER_SENTINEL
from tests.waiting import wait_until
from tests.worker import broken_messages

SENTINEL = broken_messages.SENTINEL
PLAYS = [
    *("ok", "429", "500", "hang", "reset", "half", "html", "error_body:500", "refusal", "truncated", "wrong_enum"),
    *("missing_dimension", "extra_keys", "context_too_long", "moderated", "400", "404", "deep", "prose", "odd_usage"),
]


def put(stage: Stage, raw: bytes, queue: str = "record") -> None:
    with stage.redis() as client:
        client.lpush(queue, raw)


def message(*arguments: Any, task: str = wire.RECORD_TASK) -> bytes:
    return json.dumps(broken_messages.good(task, arguments)).encode()


def enqueue_with_sentinels(id_: str, *said: str) -> None:
    """A conversation with the sentinel everywhere a person or an application can write."""
    call = {"id": "c", "type": "function", "function": {"name": f"t-{SENTINEL}", "arguments": f"{{{SENTINEL}"}}
    messages: list[dict[str, Any]] = [
        {"role": "system", "content": f"{SENTINEL} rules"},
        {"role": "user", "content": [{"type": "text", "text": "\n".join((SENTINEL, f"play-id: {id_}", *said))}]},
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "c", "content": SENTINEL},
    ]
    assert api_hooks.enqueue(
        messages,
        SENTINEL,
        id=id_,
        tools=[{"type": "function", "function": {"name": SENTINEL}}],
        metadata={SENTINEL: SENTINEL, "pin": f"{SENTINEL}-value"},
    )


def expect_silence(stage: Stage) -> None:
    written = stage.logs()
    assert "ready." in written
    for sentinel in (SENTINEL, ANSWER_SENTINEL):
        assert sentinel not in written


def test_invariant_8_no_text_is_logged_whatever_the_model_server_answers(stage: Stage) -> None:
    stage.beat(log_level="debug")
    stage.worker(log_level="debug")
    for number, play in enumerate(PLAYS):
        enqueue_with_sentinels(f"g{number}", f"play: {play}")
    stage.flush()
    stage.wait_until_recorded(len(PLAYS))
    wait_until(
        lambda: all(stage.model_server.calls(f"g{number}") for number in range(len(PLAYS))),
        deadline_seconds=30,
        what="a call about each",
    )
    wait_until(lambda: stage.database.whys()["tagged"] >= 2, what="tags beside the failures")
    expect_silence(stage)


def test_invariant_8_no_text_is_logged_when_postgres_refuses_or_the_line_breaks(stage: Stage) -> None:
    """Tables that are not what the code expects, so that statements fail with their parameters in hand."""
    stage.beat(log_level="debug")
    worker = stage.worker(log_level="debug")
    with psycopg.connect(stage.database.url, autocommit=True) as broken:  # one lock at a time
        broken.execute("alter table generations add constraint never check (finish_reason is not null) not valid")
    enqueue_with_sentinels("refused")
    stage.flush()
    wait_until(lambda: stage.database.count("set_aside") == 1, what="the refused generation set aside")
    with psycopg.connect(stage.database.url, autocommit=True) as broken:  # one lock at a time
        broken.execute("alter table generations drop constraint never")
        broken.execute("alter table classifications rename column draw to lot")
    enqueue_with_sentinels("broken")
    stage.flush()
    wait_until(lambda: stage.database.count("set_aside") == 2, what="the broken generation set aside")
    with psycopg.connect(stage.database.url, autocommit=True) as broken:  # one lock at a time
        broken.execute("alter table classifications rename column lot to draw")
        broken.execute("alter table transcripts rename column tools to gadgets")
    put(stage, message("test", [["acme", SENTINEL, "2026-11-21T00:00:00+00:00"]], task="aftertag.classify"))
    put(stage, message("test", SENTINEL, task="aftertag.classify"))
    wait_until(lambda: "a bell was malformed" in worker.log, what="the malformed bell")
    wait_until(lambda: "Traceback" in worker.log, what="the traceback of a failed claim")
    assert worker.is_alive
    expect_silence(stage)


def test_invariant_10_what_cannot_be_read_is_set_aside_without_a_word_of_it_and_the_next_message_runs(
    stage: Stage,
) -> None:
    stage.beat()
    worker = stage.worker(log_level="debug")
    broken = [raw.replace(b'"test.keep"', b'"aftertag.record"') for _, _, raw in broken_messages.broken()]
    over_large = message({"v": 1, "generations": [SENTINEL * 200_000]})
    for raw in (*broken, over_large):
        put(stage, raw)
    wrong_version = {"v": 99, "generations": [SENTINEL]}
    no_generation = {"v": 1, "generations": [SENTINEL, {"id": SENTINEL}, 7, None]}
    put(stage, message(wrong_version))
    put(stage, message(SENTINEL))
    put(stage, message(no_generation))
    stage.publish("next")
    stage.wait_until_final(1)
    assert stage.database.whys() == {"tagged": 1}
    set_aside = len(broken) + 1 + 1 + 1 + 4
    wait_until(lambda: stage.database.count("set_aside") >= set_aside, what="every one set aside")
    assert stage.database.count("set_aside") == set_aside
    assert stage.database.value("select count(*) from set_aside where error like 'too_large%'") >= 1
    assert worker.is_alive
    with stage.redis() as client:
        wait_until(lambda: client.llen("aftertag.rejected") == 0, what="everything moved out of Redis")
        assert client.llen("record") == 0
    told = stage.database.value("select string_agg(error, ' ') from set_aside")
    assert SENTINEL not in told
    expect_silence(stage)


def test_invariant_8_a_worker_that_ends_in_the_middle_of_its_calls_says_no_text(stage: Stage) -> None:
    worker = stage.worker(log_level="debug")
    for number in range(5):
        enqueue_with_sentinels(f"{uuid.uuid4()}-{number}", "play: hang")
    stage.flush()
    wait_until(lambda: stage.model_server.play.total == 5, what="calls under way")
    worker.ask_to_end()
    assert worker.exit_code(within_seconds=30) == 0
    expect_silence(stage)
