"""Threads that all keys share: steps of one key take half of them at the most, so that another key's go on beside it."""

import asyncio
from collections import Counter
from collections.abc import Callable, Hashable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import TypeVar

Done = TypeVar("Done")


class SharedThreads:
    """Runs steps off the event loop; for one event loop.

    One key's redaction of 8 s a request once had another key's request wait for half a minute.
    """

    def __init__(self, count: int, *, name: str) -> None:
        self._pool = ThreadPoolExecutor(count, thread_name_prefix=name)
        self._most_of_one_key = max(1, count // 2)
        self._places: dict[Hashable, asyncio.Semaphore] = {}
        self._users: Counter[Hashable] = Counter()

    async def run(self, step: Callable[[], Done], *, key: Hashable, within_seconds: float) -> Done:
        """Return what `step` returns. Raise TimeoutError when it is not done by then.

        It never begins afterwards. One that has begun goes on, and keeps its key's place until it ends.
        """
        async with asyncio.timeout(within_seconds):
            await self._enter(key)
            begun = self._pool.submit(step)
            loop = asyncio.get_running_loop()

            def ended(_: object) -> None:
                with suppress(RuntimeError):  # the loop is closed: the server has ended meanwhile
                    loop.call_soon_threadsafe(self._leave, key)

            begun.add_done_callback(ended)
            return await asyncio.wrap_future(begun)

    def stop(self) -> None:
        self._pool.shutdown(wait=False, cancel_futures=True)

    async def _enter(self, key: Hashable) -> None:
        places = self._places.setdefault(key, asyncio.Semaphore(self._most_of_one_key))
        self._users[key] += 1
        try:
            await places.acquire()
        except BaseException:
            self._forget(key)
            raise

    def _leave(self, key: Hashable) -> None:
        self._places[key].release()
        self._forget(key)

    def _forget(self, key: Hashable) -> None:
        self._users[key] -= 1
        if not self._users[key]:
            del self._users[key], self._places[key]
