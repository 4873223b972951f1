"""Threads that all workspaces share: nobody has more than a share of them, and what is slow makes way for others."""

import asyncio
from collections import Counter, deque
from collections.abc import Callable, Hashable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from typing import TypeVar

Done = TypeVar("Done")

SLOW_AFTER_SECONDS = 0.5


@dataclass(slots=True, kw_only=True, eq=False)
class _Place:
    """What a step that is under way takes up: one of the ordinary places, or once it is slow one of those for slow ones."""

    owner: Hashable
    is_slow: bool = False
    timer: asyncio.TimerHandle | None = None


class SharedThreads:
    """Runs steps off the event loop; for one event loop. Of one owner `most_of_one` are under way at once.

    `count` may compute at once: more would only hold up each other and the event loop. One that is not done after half a
    second (it waits for something, or its text is one of the bad ones) gives its place to others and goes on beside
    them, up to `slow` in all. One key's redaction of 8 s a request once had another key's request wait for half a
    minute, and where each key had half of four threads, two of them did.
    """

    def __init__(
        self, count: int, *, slow: int = 0, most_of_one: int, name: str, slow_after_seconds: float = SLOW_AFTER_SECONDS
    ) -> None:
        self._pool = ThreadPoolExecutor(count + slow, thread_name_prefix=name)
        self._free = count
        self._free_for_slow = slow
        self._most_of_one = most_of_one
        self._slow_after_seconds = slow_after_seconds
        self._under_way: Counter[Hashable] = Counter()
        self._waiting: dict[Hashable, deque[asyncio.Future[_Place]]] = {}

    async def run(self, step: Callable[[], Done], *, owner: Hashable, within_seconds: float) -> Done:
        """Return what `step` returns. Raise TimeoutError when it is not done by then.

        It never begins afterwards. One that has begun goes on, and keeps its place until it ends.
        """
        async with asyncio.timeout(within_seconds):
            place = await self._enter(owner)
            begun = self._pool.submit(step)
            loop = asyncio.get_running_loop()

            def ended(_: object) -> None:
                with suppress(RuntimeError):  # the loop is closed: the server has ended meanwhile
                    loop.call_soon_threadsafe(self._leave, place)

            begun.add_done_callback(ended)
            return await asyncio.wrap_future(begun)

    def stop(self) -> None:
        self._pool.shutdown(wait=False, cancel_futures=True)

    async def _enter(self, owner: Hashable) -> _Place:
        if self._may_begin(owner):
            return self._take(owner)
        given: asyncio.Future[_Place] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(owner, deque()).append(given)
        try:
            return await given
        except BaseException:
            if given.cancelled():
                self._forget(owner, given)
            else:  # it was given in the same moment
                self._leave(given.result())
            raise

    def _may_begin(self, owner: Hashable) -> bool:
        return self._free > 0 and self._under_way[owner] < self._most_of_one

    def _take(self, owner: Hashable) -> _Place:
        self._free -= 1
        self._under_way[owner] += 1
        place = _Place(owner=owner)
        self._look_again(place)
        return place

    def _look_again(self, place: _Place) -> None:
        loop = asyncio.get_running_loop()
        place.timer = loop.call_later(self._slow_after_seconds, self._make_way, place)

    def _make_way(self, place: _Place) -> None:
        if not self._free_for_slow:
            self._look_again(place)
            return
        place.is_slow = True
        self._free_for_slow -= 1
        self._free += 1
        self._let_others_in()

    def _leave(self, place: _Place) -> None:
        if place.is_slow:
            self._free_for_slow += 1
        else:
            self._free += 1
        if place.timer is not None:
            place.timer.cancel()
        self._under_way[place.owner] -= 1
        if not self._under_way[place.owner]:
            del self._under_way[place.owner]
        self._let_others_in()

    def _let_others_in(self) -> None:
        """Give free places to those who wait, an owner after the other."""
        while (owner := next(filter(self._may_begin, self._waiting), None)) is not None:
            several = self._waiting.pop(owner)
            given = several.popleft()
            if several:
                self._waiting[owner] = several  # behind the others
            if not given.done():
                given.set_result(self._take(owner))

    def _forget(self, owner: Hashable, given: asyncio.Future[_Place]) -> None:
        several = self._waiting.get(owner, deque())
        with suppress(ValueError):  # it was passed over meanwhile
            several.remove(given)
        if not several:
            self._waiting.pop(owner, None)
