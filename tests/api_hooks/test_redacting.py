"""`configure(redact=…)`: every text is shown to it, off the caller's thread, before it is cut; it can break nothing."""

import re
import threading
from collections.abc import Callable
from typing import Any

import pytest

from api_hooks import forking, wire
from api_hooks.line import Line
from api_hooks.losses import WITHHELD
from tests.api_hooks.senders import KeepingSender, put
from tests.waiting import wait_until
from worker import batches, redacting

SECRET = "sk-sentinel-" + "7f3a" * 10
_SECRETS = re.compile(r"sk-sentinel-[0-9a-f]{40}")


def without_secrets(text: str) -> str:
    return _SECRETS.sub("[secret]", text)


def everything_away(text: str) -> str:
    return "***"


def explodes(text: str) -> str:
    raise ValueError(text)


def exits(text: str) -> str:
    raise SystemExit(text)


def forgets_to_return(text: str) -> Any:
    text.upper()


def test_every_turn_is_shown_to_it_and_names_are_not(line_to: Callable[..., Line], sender: KeepingSender) -> None:
    seen: list[str] = []

    def redact(text: str) -> str:
        seen.append(text)
        return without_secrets(text)

    line = line_to(redact=redact)
    messages = [
        {"role": "system", "content": f"Use {SECRET}."},
        {"role": "user", "content": [{"type": "text", "text": SECRET}, {"type": "image_url", "image_url": "x"}]},
        {"role": "assistant", "tool_calls": [{"function": {"name": "login", "arguments": {"key": SECRET}}}]},
        {"role": "tool", "name": "login", "content": {"token": SECRET}},
    ]
    line.put(messages, f"Done with {SECRET}", dict.fromkeys(("workspace", "app"), "acme") | {"user": "u-17"})
    assert line.flush(30)
    [generation] = sender.generations
    assert generation["turns"] == [
        ["system", "Use [secret].", None, None],
        ["user", "[secret]\n[image]", None, None],
        ["tool_call", '{"key": "[secret]"}', "login", None],
        ["tool_result", '{"token": "[secret]"}', "login", None],
        ["assistant", "Done with [secret]", None, None],
    ]
    assert len(seen) == 5
    assert generation["user"] == "u-17"
    assert (line.stats().withheld, line.stats().dropped) == (0, {})


def test_no_fork_waits_for_it(line_to: Callable[..., Line], sender: KeepingSender) -> None:
    is_called, may_end = threading.Event(), threading.Event()

    def redact(text: str) -> str:
        is_called.set()
        may_end.wait(30)
        return text

    line = line_to(redact=redact)
    put(line, "hello")
    assert is_called.wait(30)
    try:
        assert forking.work.hold(10)
    finally:
        forking.work.let_go()
        may_end.set()
    assert line.flush(30)
    assert len(sender.generations) == 1


def test_it_runs_on_the_sending_thread(line_to: Callable[..., Line], sender: KeepingSender) -> None:
    threads: list[str] = []

    def redact(text: str) -> str:
        threads.append(threading.current_thread().name)
        return text

    line = line_to(redact=redact)
    put(line, "hello")
    assert line.flush(30)
    assert threads == ["aftertag-hook"]


@pytest.mark.parametrize("redact", [explodes, exits, forgets_to_return, lambda text: 7])
def test_when_it_fails_the_text_is_withheld_and_counted_and_the_generation_sent(
    redact: Callable[[str], Any], line_to: Callable[..., Line], sender: KeepingSender, caplog: pytest.LogCaptureFixture
) -> None:
    line = line_to(redact=redact)
    put(
        line, [{"role": "user", "content": SECRET}, {"role": "assistant", "content": SECRET * 500}], usage={"prompt": 7}
    )
    assert line.flush(30)
    put(line, "")
    assert line.flush(30)
    first, second = sender.generations
    assert first["turns"] == [["user", wire.WITHHELD, None, None], ["assistant", wire.WITHHELD, None, None]]
    assert first["usage"] == {"prompt": 7}
    assert second["turns"] == [["user", "", None, None]]
    stats = line.stats()
    assert (stats.sent, stats.withheld, stats.dropped) == (2, 2, {})
    assert [batch.get("dropped") for batch in sender.batches] == [{"text_withheld": 2}, None]
    wait_until(lambda: "Texts were withheld: 2; redact failed" in caplog.text)
    [told] = [record.getMessage() for record in caplog.records if "withheld" in record.getMessage()]
    assert "dropped" not in told
    assert "sk-sentinel" not in caplog.text


def test_what_is_withheld_is_told_to_the_operator_as_the_worker_tells_its_own() -> None:
    assert batches.read({"v": 1, "generations": [], "dropped": {WITHHELD: 2}}).dropped == {redacting.LOSS: 2}


@pytest.mark.parametrize("begins_at", [0, 4_970, 4_995, 5_001, 5_030, 9_990, 14_990, 15_001, 19_970, 19_999, 20_001])
def test_no_part_of_a_secret_is_sent_wherever_a_cut_falls(
    begins_at: int, line_to: Callable[..., Line], sender: KeepingSender
) -> None:
    line = line_to(redact=without_secrets)
    text = "x" * begins_at + SECRET + "y" * 30_000
    put(line, text)
    put(line, [{"role": "user", "content": [{"type": "text", "text": text[:begins_at]}, {"text": text[begins_at:]}]}])
    assert line.flush(30)
    for generation in sender.generations:
        [[_, kept, _, length]] = generation["turns"]
        assert "sk-" not in kept
        assert len(kept) == wire.TURN_CHARACTERS + 1
        assert length >= 30_000


def test_a_secret_at_the_end_of_what_is_seen_is_not_sent_when_the_rest_becomes_short(
    line_to: Callable[..., Line], sender: KeepingSender
) -> None:
    line = line_to(redact=lambda text: _SECRETS.sub("", text))
    shifts = range(0, len(SECRET), 3)
    for shift in shifts:
        put(line, "z" * shift + SECRET * 1_000)
    assert line.flush(30)
    for shift, generation in zip(shifts, sender.generations, strict=True):
        [[_, kept, _, length]] = generation["turns"]
        assert kept.strip("z") == ""
        assert length == shift + len(SECRET) * 1_000


def test_a_text_that_redacting_makes_short_says_no_length(line_to: Callable[..., Line], sender: KeepingSender) -> None:
    line = line_to(redact=lambda text: text[:10])
    put(line, "x" * 8_000)
    put(line, "x" * 8_000 + "y" * 80_000)
    assert line.flush(30)
    assert [generation["turns"][0][1:] for generation in sender.generations] == [
        ["x" * 10, None, None],
        ["", None, 88_000],
    ]


def test_what_it_returns_is_cut_and_cleaned_like_any_text(line_to: Callable[..., Line], sender: KeepingSender) -> None:
    line = line_to(redact=lambda text: "\x00" + text * 10_000)
    put(line, "x")
    assert line.flush(30)
    [[_, kept, _, length]] = sender.generations[0]["turns"]
    assert (len(kept), length, kept[:2]) == (5_001, 10_001, "\ufffdx")


def test_our_own_calls_are_known_whatever_it_makes_of_their_text(
    line_to: Callable[..., Line], sender: KeepingSender
) -> None:
    line = line_to(redact=everything_away)
    put(
        line,
        [{"role": "system", "content": "[aftertag own call 0a1b]\nPlace it."}, {"role": "user", "content": "USER: hi"}],
    )
    put(line, [{"role": "user", "content": "[aftertag own call 0a1b]\nPlace it."}])
    assert line.flush(30)
    own, other = sender.generations
    assert own["own_call"] == "0a1b"
    assert own["turns"][0] == ["system", "***", None, None]
    assert "own_call" not in other


def test_a_comment_of_feedback_is_shown_to_it_too(line_to: Callable[..., Line], sender: KeepingSender) -> None:
    line = line_to(redact=without_secrets)
    comments = [f"my key is {SECRET}", "x" * 4_990 + SECRET, "x" * 19_990 + SECRET]
    for comment in comments:
        line.put_feedback({"generation_id": "g", "comment": comment, "workspace": None})
    assert line.flush(30)
    kept = [feedback["comment"] for batch in sender.batches for feedback in batch["feedback"]]
    assert kept[0] == "my key is [secret]"
    assert all("sk-" not in comment and len(comment) <= 5_000 for comment in kept)
