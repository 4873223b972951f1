"""The operator's redaction: over every text before it is stored, whatever the function does."""

import json
import re
from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlalchemy import Engine
from structlog.testing import capture_logs

from api_hooks.wire import WITHHELD
from classifier_models import marker
from tests.worker import line_stage
from tests.worker.line_stage import NOW, batch, record, rows, wire
from worker import errors, generation, recording, redacting
from worker.line import Line
from worker.redacting import Redaction

SECRET = "4111-1111-1111-1111"


def hide(text: str) -> str:
    """What an operator would write."""
    return re.sub(r"\d{4}(-\d{4}){3}", "[card]", text)


def fail(text: str) -> str:
    raise LookupError(text)


@pytest.fixture(params=["hide"])
def line(engine: Engine, request: pytest.FixtureRequest) -> Iterator[Line]:
    with line_stage.open_line(engine, redaction=Redaction({"hide": hide, "fail": fail}[request.param])) as staged:
        yield staged.line


def said(text: str, **fields: object) -> dict[str, object]:
    return wire("1", turns=[["user", text, None, None], ["tool_result", text, "search", None]], **fields)


def feedback(**fields: object) -> dict[str, object]:
    given = {"id": "f", "workspace": "acme", "generation_id": "1", "created_at": NOW.isoformat()}
    return {**given, "comment": f"My card is {SECRET}", **fields}


def test_turns_and_comments_are_stored_redacted(line: Line, engine: Engine) -> None:
    record(line, said(f"It is {SECRET}.", metadata={"order": SECRET}), feedback=[feedback()])
    assert rows(engine, "select turns -> 0 ->> 1, turns -> 1 ->> 1, turns -> 1 ->> 2 from transcripts") == [
        ("It is [card].", "It is [card].", "search")
    ]
    assert rows(engine, "select comment from feedback") == ["My card is [card]"]
    assert rows(engine, "select metadata from generations") == [{"order": SECRET}]  # names are the sender's to choose
    assert rows(engine, "select reason from losses") == []


@pytest.mark.parametrize("line", ["fail"], indirect=True)
def test_what_cannot_be_redacted_is_withheld_and_counted_and_the_generation_is_recorded(
    line: Line, engine: Engine, caplog: pytest.LogCaptureFixture
) -> None:
    record(line, said(SECRET), feedback=[feedback()])
    record(line, said(SECRET, id="2") | {"id": "2"})
    assert rows(engine, "select distinct turns -> 0 ->> 1 from transcripts") == [WITHHELD]
    assert rows(engine, "select comment from feedback") == [WITHHELD]
    assert rows(engine, "select reason, generations from losses") == [("text_withheld", 5)]
    assert SECRET not in caplog.text


def test_what_is_set_aside_is_redacted_and_can_still_be_replayed(line: Line, engine: Engine) -> None:
    record(
        line,
        said(SECRET, cost_usd=-1),
        {"prompt": SECRET, "nested": [{"deep": SECRET}]},
        feedback=[feedback(score="much")],
    )
    bodies = [json.loads(body) for body in rows(engine, "select convert_from(body, 'utf8') from set_aside order by id")]
    assert SECRET not in json.dumps(bodies)
    whole, prompt, about = bodies
    assert whole["turns"][1] == ["tool_result", "[card]", "search", None]
    assert {**whole, "turns": 0} == {**said(SECRET, cost_usd=-1), "turns": 0}
    assert prompt == {"prompt": "[card]", "nested": [{"deep": "[card]"}]}
    assert about["feedback"][0]["comment"] == "My card is [card]"


def test_a_batch_that_is_none_is_set_aside_redacted(line: Line, engine: Engine) -> None:
    recording.record_or_set_aside(line.recorder, {**batch(said(SECRET)), "v": 7})
    (body,) = rows(engine, "select convert_from(body, 'utf8') from set_aside")
    assert SECRET not in body
    assert "[card]" in body


def test_a_call_of_our_own_is_known_as_one_also_when_its_marker_is_redacted(engine: Engine) -> None:
    with line_stage.open_line(engine, redaction=Redaction(lambda text: "x")) as staged:
        said = f"{marker.line(line_stage.mark(engine))}\nClassify."
        record(staged.line, wire("1", turns=[["system", said, None, None]]))
    assert rows(engine, "select reason from classifications") == ["own_call"]


@pytest.mark.parametrize(
    ("function", "stored"),
    [
        (lambda text: None, WITHHELD),
        (lambda text: 7, WITHHELD),
        (lambda text: (_ for _ in ()).throw(SystemExit), WITHHELD),
        (lambda text: "a\x00\ud800b", "a\ufffd\ufffdb"),
        (lambda text: "", ""),
        (lambda text: "y" * 9_000, "y" * 5_001),
    ],
)
def test_whatever_the_function_returns_is_text_that_can_be_stored(function: object, stored: str) -> None:
    found = generation.read(said("x"), now=NOW, past=timedelta(days=1))
    redacted = Redaction(function).generation(found)  # type: ignore[arg-type]
    assert redacted.turns[0][1] == stored
    generation.read(redacted.model_dump(mode="json"), now=NOW, past=timedelta(days=1))


def test_a_turn_that_its_sender_cut_keeps_its_length_and_a_lengthened_one_says_so() -> None:
    cut = wire("1", turns=[["user", f"{SECRET} {'x' * 4_900}", None, 70_000], ["user", "short", None, None]])
    found = generation.read(cut, now=NOW, past=timedelta(days=1))
    first, second = Redaction(hide).generation(found).turns
    assert (first[1][:6], first[3], second) == ("[card]", 70_000, ("user", "short", None, None))
    (_, longer) = Redaction(lambda text: text * 2_000).generation(found).turns
    assert (len(longer[1]), longer[3]) == (5_001, 10_000)


def test_a_failing_function_is_told_once_a_minute_and_never_with_the_text() -> None:
    now = [0.0]
    redaction = Redaction(fail, clock=lambda: now[0])
    with capture_logs() as logs:
        for seconds in (0, 1, 59, 61):
            now[0] = seconds
            redaction.text(SECRET)
    assert len(logs) == 2
    assert SECRET not in str(logs)
    assert redaction.take_losses() == {"text_withheld": 4}
    assert redaction.take_losses() == {}


@pytest.mark.parametrize("name", ["nobody", "json", "json:", "json:nothing", "json:decoder", ":f", "a b:c"])
def test_a_name_that_names_no_function_is_a_settings_error(name: str) -> None:
    with pytest.raises(errors.SettingsError, match=r"AFTERTAG_REDACT is .+ write package\.module:function"):
        redacting.named(name)


def test_a_function_is_found_by_its_name_also_inside_of_something() -> None:
    assert redacting.named(None) is None
    found = redacting.named("os:path.basename")
    assert found is not None
    assert found.text("a/b") == "b"
