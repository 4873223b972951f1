"""Places for calls: bounded in all and per endpoint, in turn, with some kept for each endpoint."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from typing import Any

from worker.places import Places


class Callers:
    """Tasks that take a place and hold it until they are let go."""

    def __init__(self, places: Places) -> None:
        self.places = places
        self.inside: Counter[str] = Counter()
        self.tasks: list[asyncio.Task[None]] = []
        self._ends: dict[str, list[asyncio.Event]] = {}

    async def come(self, *endpoints: str) -> None:
        self.tasks += [asyncio.create_task(self._call(endpoint)) for endpoint in endpoints]
        await self.settle()

    async def let_go(self, endpoint: str) -> None:
        self._ends[endpoint].pop(0).set()
        await self.settle()

    async def settle(self) -> None:
        for _ in range(5):
            await asyncio.sleep(0)  # a turn of the loop: everybody goes as far as they can

    async def stop(self, tasks: Sequence[asyncio.Task[None]]) -> None:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)

    async def _call(self, endpoint: str) -> None:
        async with self.places.one(endpoint):
            end = asyncio.Event()
            self._ends.setdefault(endpoint, []).append(end)
            self.inside[endpoint] += 1
            try:
                await end.wait()
            finally:
                self.inside[endpoint] -= 1


def run(scene: Any, **bounds: Any) -> None:
    async def play() -> None:
        callers = Callers(Places(**bounds))
        await scene(callers)
        await callers.stop([*callers.tasks])
        assert callers.places.taken == 0

    asyncio.run(play())


def test_an_endpoint_gets_no_more_than_its_places_and_the_next_in_turn_gets_what_is_given_back() -> None:
    async def scene(callers: Callers) -> None:
        await callers.come("a", "a", "a")
        assert (callers.inside["a"], callers.places.taken) == (2, 2)
        await callers.let_go("a")
        assert callers.tasks[2] in asyncio.all_tasks()
        assert callers.inside["a"] == 2

    run(scene, total=4, per_endpoint=2, kept=1)


def test_two_hung_endpoints_leave_a_third_its_own_places_also_for_those_who_wait() -> None:
    async def scene(callers: Callers) -> None:
        await callers.come(*["a"] * 9, *["b"] * 9, *["c"] * 3)
        assert callers.inside == {"a": 4, "b": 4, "c": 2}
        for left in (2, 1):
            await callers.let_go("c")
            assert callers.inside["c"] == left

    run(scene, total=8, per_endpoint=4, kept=2)


def test_who_gives_up_waiting_holds_up_nobody() -> None:
    async def scene(callers: Callers) -> None:
        await callers.come("a", "a", "a")
        await callers.stop([callers.tasks.pop(1)])
        await callers.let_go("a")
        assert callers.inside["a"] == 1
        await callers.let_go("a")
        await callers.come("a")
        assert callers.inside["a"] == 1

    run(scene, total=1, per_endpoint=1, kept=1)


def test_endpoints_that_wait_for_the_last_places_take_turns() -> None:
    async def scene(callers: Callers) -> None:
        await callers.come("a", "a", "a", "a", *["b"] * 5, *["c"] * 5)
        assert callers.inside == {"a": 4}
        for _ in range(4):
            await callers.let_go("a")
        assert callers.inside == {"a": 0, "b": 2, "c": 2}

    run(scene, total=4, per_endpoint=4, kept=0)


def test_an_endpoint_with_fewer_places_gets_no_more_than_those() -> None:
    async def scene(callers: Callers) -> None:
        await callers.come(*["few"] * 5, *["a"] * 5)
        assert callers.inside == {"few": 2, "a": 4}

    run(scene, total=16, per_endpoint=4, kept=1, fewer={"few": 2})
