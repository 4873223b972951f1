"""A function inside of a context, whatever kind of function it is.

A coroutine function is called long before it runs, and a generator goes on in steps between which its consumer is at
work: so the context is entered where the code runs, for as long as it does.
"""

import inspect
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
from contextlib import AbstractContextManager
from functools import wraps
from typing import Any, ParamSpec, TypeVar, cast

P = ParamSpec("P")
R = TypeVar("R")

_Around = AbstractContextManager[object]


def inside(around: _Around, function: Callable[P, R]) -> Callable[P, R]:
    """Return `function` with all of its code inside `around`, which is entered again each time.

    Raise TypeError for a class: its methods would be outside.
    """
    if isinstance(function, staticmethod | classmethod):
        return cast(Callable[P, R], type(function)(inside(around, function.__func__)))
    if isinstance(function, type):
        raise TypeError(f"A context decorates functions and methods, not the class {function.__name__}.")
    if inspect.iscoroutinefunction(function):
        return cast(Callable[P, R], _of_coroutines(around, function))
    if inspect.isgeneratorfunction(function):
        return cast(Callable[P, R], _of_generators(around, function))
    if inspect.isasyncgenfunction(function):
        return cast(Callable[P, R], _of_async_generators(around, function))

    @wraps(function)
    def call(*args: P.args, **kwargs: P.kwargs) -> R:
        with around:
            return function(*args, **kwargs)

    return call


def _of_coroutines(around: _Around, function: Callable[P, Awaitable[R]]) -> Callable[P, Awaitable[R]]:
    @wraps(function)
    async def call(*args: P.args, **kwargs: P.kwargs) -> R:
        with around:
            return await function(*args, **kwargs)

    return call


def _of_generators(
    around: _Around, function: Callable[P, Generator[Any, Any, Any]]
) -> Callable[P, Generator[Any, Any, Any]]:
    @wraps(function)
    def call(*args: P.args, **kwargs: P.kwargs) -> Generator[Any, Any, Any]:
        return (yield from _Steps(around, function(*args, **kwargs)))

    return call


def _of_async_generators(
    around: _Around, function: Callable[P, AsyncGenerator[Any, Any]]
) -> Callable[P, AsyncGenerator[Any, Any]]:
    @wraps(function)
    async def call(*args: P.args, **kwargs: P.kwargs) -> AsyncGenerator[Any, Any]:
        steps = _AsyncSteps(around, function(*args, **kwargs))
        step = steps.asend(None)
        while True:  # what `yield from` does, which async generators have not
            try:
                value = await step
            except StopAsyncIteration:
                return
            try:
                sent = yield value
            except GeneratorExit:
                await steps.aclose()
                raise
            except BaseException as error:  # noqa: BLE001 - whatever its consumer throws into it
                step = steps.athrow(error)
            else:
                step = steps.asend(sent)

    return call


class _Steps(Generator[Any, Any, Any]):
    def __init__(self, around: _Around, steps: Generator[Any, Any, Any]) -> None:
        self._around = around
        self._steps = steps

    def send(self, value: Any) -> Any:
        with self._around:
            return self._steps.send(value)

    def throw(self, *error: Any) -> Any:
        with self._around:
            return self._steps.throw(*error)


class _AsyncSteps(AsyncGenerator[Any, Any]):
    def __init__(self, around: _Around, steps: AsyncGenerator[Any, Any]) -> None:
        self._around = around
        self._steps = steps

    async def asend(self, value: Any) -> Any:
        with self._around:
            return await self._steps.asend(value)

    async def athrow(self, *error: Any) -> Any:
        with self._around:
            return await self._steps.athrow(*error)
