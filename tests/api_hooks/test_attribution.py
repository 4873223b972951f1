import asyncio
import contextvars
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from types import MappingProxyType
from typing import Any

import pytest

import api_hooks
from api_hooks import attribution
from api_hooks.line import Line
from tests.api_hooks.senders import KeepingSender, put


@pytest.fixture
def handed_over(line_to: Callable[..., Line], sender: KeepingSender) -> Callable[..., dict[str, Any]]:
    line = line_to(app="configured")

    def hand_over(**fields: Any) -> dict[str, Any]:
        put(line, api_key_name=fields.pop("api_key_name", None), session_id=fields.pop("session_id", None), **fields)
        assert line.flush(30)
        return sender.generations[-1]

    return hand_over


def test_a_context_fills_in_what_the_call_does_not_say(handed_over: Callable[..., dict[str, Any]]) -> None:
    with api_hooks.context(
        workspace="beta", app="helpdesk", user="u-1", session_id="s-1", api_key_name="k", metadata={"team": "red"}
    ):
        found = handed_over()
    assert (found["workspace"], found["app"], found["user"], found["session_id"]) == ("beta", "helpdesk", "u-1", "s-1")
    assert (found["api_key_name"], found["metadata"]) == ("k", {"team": "red"})
    assert handed_over()["app"] == "configured"


def test_the_call_wins_over_the_inner_context_and_that_over_the_outer(
    handed_over: Callable[..., dict[str, Any]],
) -> None:
    with (
        api_hooks.context(user="outer", app="outer", session_id="outer", metadata={"a": "outer", "b": "outer"}),
        api_hooks.context(user="inner", app="inner", metadata=MappingProxyType({"b": "inner", "c": "inner"})),
    ):
        found = handed_over(user="call", metadata={"c": "call"})
    assert (found["user"], found["app"], found["session_id"]) == ("call", "inner", "outer")
    assert found["metadata"] == {"a": "outer", "b": "inner", "c": "call"}


class HasNoTruth(dict[str, str]):
    """As a table of pandas: whoever asks whether it is true is told off."""

    def __bool__(self) -> bool:
        raise ValueError("The truth value is ambiguous.")


def test_a_context_raises_nothing_whatever_its_metadata_and_keeps_what_can_be_read(
    handed_over: Callable[..., dict[str, Any]],
) -> None:
    with api_hooks.context(user="u-1", metadata=HasNoTruth(team="red")):
        assert handed_over()["metadata"] == {"team": "red"}
    odd: Any = object()
    with api_hooks.context(user="u-1", metadata=odd):
        assert handed_over()["user"] == "u-1"


def test_each_task_has_its_own_context(handed_over: Callable[..., dict[str, Any]]) -> None:
    async def call(user: str) -> str:
        with api_hooks.context(user=user):
            await asyncio.sleep(0)
            return str(handed_over()["user"])

    async def all_of_them() -> list[str]:
        return await asyncio.gather(*(call(f"u-{number}") for number in range(5)))

    assert asyncio.run(all_of_them()) == [f"u-{number}" for number in range(5)]


def user_here() -> str | None:
    return attribution.current().get("user")


def test_it_is_entered_with_async_with(handed_over: Callable[..., dict[str, Any]]) -> None:
    async def work() -> Any:
        async with api_hooks.context(user="u-1"):
            return handed_over()["user"], user_here()

    assert asyncio.run(work()) == ("u-1", "u-1")
    assert user_here() is None


def test_one_context_is_entered_again_within_itself_and_in_several_tasks_at_once() -> None:
    kept = api_hooks.context(user="u-1")

    async def work() -> list[str | None]:
        with kept:
            await asyncio.sleep(0)
            with kept, api_hooks.context(user="inner"):
                await asyncio.sleep(0)
            inside = user_here()
            await asyncio.sleep(0)
        return [inside, user_here()]

    async def all_of_them() -> list[list[str | None]]:
        return await asyncio.gather(*(work() for _ in range(3)))

    assert asyncio.run(all_of_them()) == [["u-1", None]] * 3


def test_calls_that_are_as_deep_as_they_can_be_lead_back_to_where_they_began() -> None:
    @api_hooks.context(user="decorated")
    def dive(depth: int) -> str | None:
        return dive(depth - 1) if depth else user_here()

    assert dive(400) == "decorated"
    assert user_here() is None


def test_generators_that_are_left_inside_do_not_pile_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attribution, "_DEEPEST", 100)

    async def answers() -> AsyncIterator[int]:
        with api_hooks.context(user="left inside"):
            yield 1

    async def leave_many() -> tuple[int, str | None]:
        with api_hooks.context(user="outer"):
            kept = []
            for _ in range(300):
                kept.append(answers())
                await anext(kept[-1])
            depth = attribution._current.get().depth
            for one in kept:
                await one.aclose()
        return depth, user_here()

    depth, _ = asyncio.run(leave_many())
    assert depth <= 100


def test_a_thread_has_the_context_where_its_starter_gives_it_one() -> None:
    with ThreadPoolExecutor(1) as pool, api_hooks.context(user="u-1"):
        assert pool.submit(user_here).result() is None
        assert pool.submit(contextvars.copy_context().run, user_here).result() == "u-1"
        assert asyncio.run(asyncio.to_thread(user_here)) == "u-1"


class RaisingMapping(dict[str, Any]):
    def keys(self) -> Any:
        raise RuntimeError


@pytest.mark.parametrize("odd", [RaisingMapping(a="b"), 7, "text", object()])
def test_a_context_raises_nothing_whatever_it_is_given(odd: Any, handed_over: Callable[..., dict[str, Any]]) -> None:
    with api_hooks.context(metadata=odd, user=odd):
        handed_over()


def answers() -> Iterator[int]:
    with api_hooks.context(user="generator"):
        yield 1
        yield 2


def test_a_generator_that_is_closed_elsewhere_raises_nothing() -> None:
    begun = answers()
    asyncio.run(_begin(begun))
    begun.close()
    assert user_here() is None


async def _begin(begun: Iterator[int]) -> None:
    next(begun)


def test_a_generator_that_outlives_the_context_around_it_attributes_nothing_afterwards() -> None:
    begun = answers()
    with api_hooks.context(user="outer"):
        next(begun)
    assert user_here() is None
    begun.close()
    assert user_here() is None
