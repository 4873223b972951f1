"""The public functions. Redis is not there: what is accepted waits, and what is asked for must not raise."""

import asyncio
import inspect
import threading
from collections import OrderedDict
from typing import Any

import pytest

import api_hooks
from api_hooks.settings import Settings
from tests.api_hooks import hostile
from tests.api_hooks.listening import listening_to_this_thread
from tests.hung import hung
from tests.waiting import wait_until

NOWHERE = "redis://127.0.0.1:1/0"

pytestmark = pytest.mark.usefixtures("closes_the_hook")


def generator() -> Any:
    return (1 / 0 for _ in range(1))  # whoever reads it raises


ODD_MESSAGES: dict[str, Any] = {
    "nothing": lambda: None,
    "an empty list": list,
    "an object on which everything raises": hostile.RaisesOnEverything,
    "a list of such": lambda: [hostile.RaisesOnEverything()],
    "a list whose methods raise": lambda: hostile.HostileList([hostile.HostileDict(role="user")]),
    "a list in itself": hostile.recursive_list,
    "a message in itself": lambda: [hostile.recursive_message()],
    "10,000 levels": lambda: [hostile.nested(10_000)],
    "a generator": generator,
    "10 MB of text": lambda: "x" * 10_000_000,
    "5,000 turns": lambda: [{"role": "user", "content": "x"}] * 5_000,
    "lone surrogates": lambda: [{"role": "user", "content": "\ud800\udfff"}],
    "NUL bytes": lambda: [{"role": "user", "content": "\x00"}],
    "an unknown role": lambda: [{"role": "narrator", "content": "x"}],
    "broken JSON arguments": lambda: [{"role": "assistant", "tool_calls": [{"function": {"arguments": "{"}}]}],
    "a list of parts": lambda: [{"role": "user", "content": [{"type": "text", "text": "x"}]}],
    "a number": lambda: 7,
    "a class": lambda: dict,
}


@pytest.mark.parametrize("name", ODD_MESSAGES)
def test_invariant_1_enqueue_never_raises_whatever_the_messages(name: str) -> None:
    api_hooks.configure(url=NOWHERE, workspace="acme")
    assert api_hooks.enqueue(ODD_MESSAGES[name](), ODD_MESSAGES[name]())
    assert api_hooks.stats().accepted == 1


def test_invariant_1_more_lists_and_dicts_than_are_counted_are_dropped_as_too_large() -> None:
    api_hooks.configure(url=NOWHERE, workspace="acme")
    assert not api_hooks.enqueue([hostile.nested(100_000)])
    assert not api_hooks.enqueue(None, hostile.nested(100_000))
    assert api_hooks.stats().dropped == {"too_large": 2}


def test_the_buffer_holds_as_many_bytes_as_it_may_whatever_the_classes_of_metadata_and_tools() -> None:
    api_hooks.configure(url=NOWHERE, workspace="acme", buffer_bytes=3_000_000)
    api_hooks.enqueue("first")
    wait_until(lambda: api_hooks.stats().is_failing)  # its thread takes nothing more as long as this one is not sent
    for number in range(6):
        text = "x" * 1_000_000
        api_hooks.enqueue("q", "a", metadata=OrderedDict(k=text), tools=({"name": f"{number}", "description": text},))
    assert 2_000_000 <= api_hooks.stats().waiting_bytes <= 3_000_000
    assert api_hooks.stats().dropped == {"buffer_full": 5}


def test_invariant_1_enqueue_never_raises_whatever_the_other_arguments() -> None:
    api_hooks.configure(url=NOWHERE, workspace="acme")
    parameters = inspect.signature(api_hooks.enqueue).parameters.values()
    names = [one.name for one in parameters if one.kind == one.KEYWORD_ONLY]
    assert len(names) >= 16
    for name in names:
        for odd in (hostile.RaisesOnEverything(), hostile.recursive_list(), float("nan"), b"x", "x" * 1_000_000, dict):
            given: dict[str, Any] = {name: odd}
            assert api_hooks.enqueue("hello", **given)
    api_hooks.enqueue("hello", None, "one too many", no_such_argument=1)  # type: ignore[arg-type]
    wait_until(lambda: api_hooks.stats().is_failing, what="the first batch being made and tried")
    # Of the odd ones only the workspaces leave no generation.
    assert set(api_hooks.stats().dropped.items()) <= {("bad_input", count) for count in range(7)}


def test_invariant_1_enqueue_never_raises_when_the_stack_is_used_up() -> None:
    api_hooks.configure(url=NOWHERE, workspace="acme")

    def dive() -> None:
        api_hooks.enqueue([{"role": "user", "content": [{"type": "text"}]}])
        dive()

    with pytest.raises(RecursionError) as caught:
        dive()
    assert caught.traceback[-1].name == "dive"


def test_invariant_1_enqueue_does_not_block_while_redis_refuses_or_hangs() -> None:
    with hung() as silent:
        for url in (NOWHERE, f"redis://{silent}/0"):
            api_hooks.configure(url=url, workspace="acme", socket_timeout_seconds=30, flush_seconds=0.01)
            api_hooks.enqueue("hello")  # the first, which starts the thread
            with listening_to_this_thread() as heard:
                assert all(api_hooks.enqueue("hello") for _ in range(200))
            assert heard == []
            if url != NOWHERE:
                assert not api_hooks.stats().is_failing, "they waited for the attempt that hangs"
            api_hooks.close(0)


def test_enqueue_works_on_threads_and_in_coroutines() -> None:
    api_hooks.configure(url=NOWHERE, workspace="acme")
    threads = [threading.Thread(target=lambda: [api_hooks.enqueue("x") for _ in range(100)]) for _ in range(8)]
    for thread in threads:
        thread.start()

    async def ask() -> bool:
        return api_hooks.enqueue("x")

    async def ask_often() -> list[bool]:
        return await asyncio.gather(*(ask() for _ in range(100)))

    assert all(asyncio.run(ask_often()))
    for thread in threads:
        thread.join()
    assert api_hooks.stats().accepted == 900
    wait_until(lambda: [thread.name for thread in threading.enumerate()].count("aftertag-hook") == 1)


def test_without_a_workspace_a_generation_is_refused_and_counted() -> None:
    api_hooks.configure(url=NOWHERE)
    assert not api_hooks.enqueue("hello")
    assert api_hooks.enqueue("hello", workspace="acme")
    assert api_hooks.stats().dropped == {"bad_input": 1}


def test_without_an_address_generations_are_refused_counted_and_logged(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.delenv("AFTERTAG_URL", raising=False)
    monkeypatch.delenv("AFTERTAG_REDIS_URL", raising=False)
    api_hooks.configure(workspace="acme")
    assert not api_hooks.enqueue("hello")
    assert api_hooks.stats().dropped == {"not_configured": 1}
    wait_until(lambda: "set AFTERTAG_URL" in caplog.text)


def test_what_comes_after_close_is_refused_until_the_hook_is_configured_again() -> None:
    api_hooks.configure(url=NOWHERE, workspace="acme")
    api_hooks.close(0.0)
    assert not api_hooks.enqueue("hello")
    assert api_hooks.stats().dropped == {"closed": 1}
    api_hooks.configure(url=NOWHERE, workspace="acme")
    assert api_hooks.enqueue("hello")


def test_stats_say_what_waits_and_how_much() -> None:
    api_hooks.configure(url=NOWHERE, workspace="acme", flush_seconds=30)
    api_hooks.enqueue("x" * 10_000)
    stats = api_hooks.stats()
    assert (stats.accepted, stats.sent, stats.waiting, stats.dropped) == (1, 0, 1, {})
    assert 10_000 <= stats.waiting_bytes < 12_000


def test_the_address_comes_from_the_environment_and_a_given_one_wins() -> None:
    environ = {"AFTERTAG_REDIS_URL": "redis://second", "AFTERTAG_URL": "redis://first"}
    assert Settings.build({}, environ).url == "redis://first"
    assert Settings.build({}, {"AFTERTAG_REDIS_URL": "redis://second"}).url == "redis://second"
    assert Settings.build({"url": "rediss://given"}, environ).url == "rediss://given"
    assert Settings.build({}, {}).url is None


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"no_such": 1}, "no setting 'no_such'"),
        ({"url": "ftp://x"}, "redis://.*https://"),
        ({"url": "redis://a;redis://b"}, "redis://"),
        ({"url": 7}, "redis://"),
        ({"when_full": "explode"}, "when_full"),
        ({"buffer_generations": 0}, "buffer_generations"),
        ({"buffer_bytes": 1.5}, "buffer_bytes"),
        ({"max_broker_bytes": True}, "max_broker_bytes"),
        ({"flush_seconds": 0}, "flush_seconds"),
        ({"exit_seconds": "2"}, "exit_seconds"),
        ({"socket_timeout_seconds": float("nan")}, "socket_timeout_seconds"),
        ({"workspace": 7}, "workspace"),
    ],
)
def test_settings_that_make_no_sense_are_named(given: dict[str, Any], message: str) -> None:
    with pytest.raises(api_hooks.SettingsError, match=message):
        api_hooks.configure(**given)


def test_no_address_and_so_no_password_stands_in_the_settings_repr() -> None:
    assert "secret" not in repr(Settings.build({"url": "redis://:secret@host/0"}, {}))


def test_the_public_names_are_these() -> None:
    assert sorted(api_hooks.__all__) == [
        "HookError", "Settings", "SettingsError", "Stats",
        "close", "configure", "context", "enqueue", "feedback", "flush", "instrument_anthropic", "instrument_openai",
        "stats", "uninstrument_anthropic", "uninstrument_openai",
    ]  # fmt: skip
