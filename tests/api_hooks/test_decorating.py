"""A context as a decorator: the code of a function of any kind is inside, and nothing else."""

import asyncio
import gc
import inspect
from collections.abc import AsyncGenerator, AsyncIterator, Generator, Iterator
from typing import Any

import pytest

import api_hooks
from api_hooks import attribution


def user_here() -> str | None:
    return attribution.current().get("user")


def test_a_function() -> None:
    @api_hooks.context(user="decorated")
    def work(session_id: str) -> Any:
        return user_here(), session_id

    assert (work("a"), work(session_id="b")) == (("decorated", "a"), ("decorated", "b"))
    assert work.__name__ == "work"


def test_a_coroutine_function() -> None:
    @api_hooks.context(user="decorated")
    async def work() -> Any:
        await asyncio.sleep(0)
        return user_here()

    async def beside() -> tuple[Any, Any]:
        working = asyncio.ensure_future(work())
        await asyncio.sleep(0)
        return user_here(), await working

    assert inspect.iscoroutinefunction(work)
    assert asyncio.run(beside()) == (None, "decorated")


def test_a_method_that_calls_itself() -> None:
    class Agent:
        @api_hooks.context(user="decorated")
        def work(self, depth: int) -> list[str | None]:
            return [user_here(), *(self.work(depth - 1) if depth else []), user_here()]

    assert Agent().work(2) == ["decorated"] * 6
    assert user_here() is None


def test_a_generator() -> None:
    @api_hooks.context(user="decorated")
    def answers() -> Generator[Any, str, str]:
        try:
            sent = yield user_here()
            yield (sent, user_here())
            yield "never"
        except KeyError:
            yield ("thrown", user_here())
        return str(user_here())

    assert inspect.isgeneratorfunction(answers)
    steps = answers()
    assert (next(steps), user_here()) == ("decorated", None)
    with api_hooks.context(user="consumer"):
        assert (steps.send("x"), user_here()) == (("x", "decorated"), "consumer")
    assert (steps.throw(KeyError()), user_here()) == (("thrown", "decorated"), None)
    with pytest.raises(StopIteration) as ended:
        next(steps)
    assert ended.value.value == "decorated"


def test_a_generator_that_is_left_is_closed_inside() -> None:
    closed: list[str | None] = []

    @api_hooks.context(user="decorated")
    def answers() -> Iterator[int]:
        try:
            yield 1
        finally:
            closed.append(user_here())

    steps = answers()
    next(steps)
    del steps
    gc.collect()
    assert closed == ["decorated"]


def test_an_asynchronous_generator() -> None:
    @api_hooks.context(user="decorated")
    async def answers() -> AsyncIterator[str | None]:
        try:
            yield user_here()
            await asyncio.sleep(0)
            yield user_here()
        except KeyError:
            yield f"thrown, {user_here()}"

    async def consume() -> list[Any]:
        assert inspect.isasyncgenfunction(answers)
        found = [(one, user_here()) async for one in answers()]
        steps: Any = answers()
        await anext(steps)
        found.append((await steps.athrow(KeyError()), user_here()))
        await steps.aclose()
        return found

    assert asyncio.run(consume()) == [("decorated", None), ("decorated", None), ("thrown, decorated", None)]


def test_an_asynchronous_generator_that_is_sent_to_and_one_that_is_left() -> None:
    closed: list[str | None] = []
    are_all_closed = asyncio.Event()

    @api_hooks.context(user="decorated")
    async def answers() -> AsyncGenerator[str, str]:
        try:
            yield (yield "first") + f", {user_here()}"
        finally:
            await asyncio.sleep(0)
            closed.append(user_here())
            if len(closed) == 2:
                are_all_closed.set()

    async def consume() -> str:
        steps = answers()
        await anext(steps)
        told = await steps.asend("sent")
        await steps.aclose()
        async for _ in answers():
            break
        await asyncio.wait_for(are_all_closed.wait(), 30)  # the loop closes what was left
        return told

    assert asyncio.run(consume()) == "sent, decorated"
    assert closed == ["decorated", "decorated"]


def test_methods_without_an_instance() -> None:
    class Agent:
        @api_hooks.context(user="decorated")
        @staticmethod
        async def work() -> str | None:
            await asyncio.sleep(0)
            return user_here()

        @api_hooks.context(user="decorated")
        @classmethod
        def name(cls) -> str:
            return f"{cls.__name__}, {user_here()}"

    assert asyncio.run(Agent.work()) == asyncio.run(Agent().work()) == "decorated"
    assert Agent.name() == Agent().name() == "Agent, decorated"


def test_a_class_is_refused_where_it_is_decorated() -> None:
    with pytest.raises(TypeError, match="not the class Agent"):

        @api_hooks.context(user="decorated")
        class Agent:
            pass
