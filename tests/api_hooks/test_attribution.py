import asyncio
from collections.abc import Callable, Iterator
from types import MappingProxyType
from typing import Any

import pytest

import api_hooks
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


def test_it_decorates_a_function(handed_over: Callable[..., dict[str, Any]]) -> None:
    @api_hooks.context(user="decorated")
    def work() -> Any:
        return handed_over()["user"]

    assert (work(), work()) == ("decorated", "decorated")


class RaisingMapping(dict[str, Any]):
    def keys(self) -> Any:
        raise RuntimeError


@pytest.mark.parametrize("odd", [RaisingMapping(a="b"), 7, "text", object()])
def test_a_context_raises_nothing_whatever_it_is_given(odd: Any, handed_over: Callable[..., dict[str, Any]]) -> None:
    with api_hooks.context(metadata=odd, user=odd):
        handed_over()


def test_a_generator_that_is_closed_elsewhere_raises_nothing() -> None:
    def answers() -> Iterator[int]:
        with api_hooks.context(user="u-1"):
            yield 1
            yield 2

    begun = answers()
    asyncio.run(_begin(begun))
    begun.close()


async def _begin(begun: Iterator[int]) -> None:
    next(begun)
