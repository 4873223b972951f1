"""`api_hooks.testing`: what people assert in tests of their own, and that nothing of it stays behind."""

import os
import threading

import pytest

import api_hooks
import api_hooks.testing
from api_hooks import current
from tests.api_hooks.http_server import playing

pytestmark = pytest.mark.usefixtures("closes_the_hook")


def answer_the_customer(said: str) -> str:
    """An application that knows nothing of tests."""
    api_hooks.enqueue(
        [{"role": "user", "content": said}], "Dear Ms Okafor, …", model="gpt-5-mini", user="u-17", id="g-1"
    )
    api_hooks.feedback("g-1", 1, "quick")
    return "Dear Ms Okafor, …"


def test_what_is_handed_over_inside_can_be_read_as_it_would_have_been_recorded() -> None:
    with api_hooks.testing.captured(workspace="acme") as generations:
        answer_the_customer("My invoice is wrong.")
        assert len(generations) == 1
        [generation] = generations
        assert (generation.id, generation.workspace, generation.model) == ("g-1", "acme", "gpt-5-mini")
        assert generation.turns == (
            ("user", "My invoice is wrong.", None, None),
            ("assistant", "Dear Ms Okafor, …", None, None),
        )
        assert generation.turns[0].text == "My invoice is wrong."
        assert [(feedback.generation_id, feedback.score) for feedback in generations.feedback] == [("g-1", 1)]


def test_it_can_be_read_afterwards_too_and_does_not_change_any_more() -> None:
    with api_hooks.testing.captured() as generations:
        api_hooks.enqueue("inside")
    api_hooks.configure(url="redis://127.0.0.1:1/0", workspace="acme")
    api_hooks.enqueue("outside")
    assert [generation.turns[0].text for generation in generations] == ["inside"]
    assert generations[0].workspace is None
    assert generations[-1:] == (generations[0],)
    assert generations.dropped == {}
    assert "inside" not in repr(generations)


def test_it_asks_what_the_way_out_of_production_asks() -> None:
    with api_hooks.testing.captured(url="redis://localhost") as generations:
        assert not api_hooks.enqueue("whose is it?")
        with api_hooks.context(workspace="acme"):
            assert api_hooks.enqueue("ours")
        assert [one.workspace for one in generations] == ["acme"]
    assert generations.dropped == {"bad_input": 1}


def test_the_hook_as_it_was_before_is_back_and_sends_what_it_had() -> None:
    with playing() as server:
        api_hooks.configure(url=server.url, flush_seconds=30)
        api_hooks.enqueue("before")
        with api_hooks.testing.captured() as generations:
            api_hooks.enqueue("inside")
        api_hooks.enqueue("after")
        assert api_hooks.flush(30)
    assert server.texts == ["before", "after"]
    assert [generation.turns[0].text for generation in generations] == ["inside"]


def test_an_application_that_configures_itself_inside_sends_nothing_and_keeps_its_settings() -> None:
    with playing() as server, api_hooks.testing.captured() as generations:
        api_hooks.enqueue("first")
        api_hooks.configure(url=server.url, workspace="acme", app="desk", redact=str.upper)
        api_hooks.enqueue("second")
        assert [(one.app, one.turns[0].text) for one in generations] == [(None, "first"), ("desk", "SECOND")]
    assert server.requests == []


def test_before_anything_was_configured_nothing_is_configured_afterwards(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AFTERTAG_URL", raising=False)
    api_hooks.configure()
    before = current.line()
    with api_hooks.testing.captured():
        assert api_hooks.enqueue("inside")
    assert current.line() is before


def test_captures_inside_each_other_keep_their_own() -> None:
    with api_hooks.testing.captured() as outer:
        api_hooks.enqueue("outer")
        with api_hooks.testing.captured() as inner:
            api_hooks.enqueue("inner")
        api_hooks.enqueue("outer again")
        assert [one.turns[0].text for one in outer] == ["outer", "outer again"]
    assert [one.turns[0].text for one in inner] == ["inner"]


def test_what_was_dropped_is_told() -> None:
    with api_hooks.testing.captured(buffer_bytes=1_000) as generations:
        api_hooks.enqueue("x" * 2_000)
        assert list(generations) == []
        assert generations.dropped == {"too_large": 1}


def test_threads_hand_over_to_it_too() -> None:
    with api_hooks.testing.captured() as generations:
        threads = [threading.Thread(target=api_hooks.enqueue, args=(str(number),)) for number in range(20)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(int(one.turns[0].text) for one in generations) == list(range(20))


def test_an_error_inside_comes_out_and_the_hook_is_put_back() -> None:
    before = current.line()

    def fail_inside() -> None:
        with api_hooks.testing.captured():
            api_hooks.enqueue("inside")
            raise LookupError

    with pytest.raises(LookupError):
        fail_inside()
    assert current.line() is before


def test_settings_that_make_no_sense_are_named() -> None:
    with pytest.raises(api_hooks.SettingsError, match="no_such"), api_hooks.testing.captured(no_such=1):
        os.abort()
