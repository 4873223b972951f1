"""Places for model calls: bounded in all and per endpoint, some kept for each, so that two hung ones leave a third its own."""

import asyncio
from collections import Counter, deque
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager


class Places:
    """Who may call now. For one asyncio loop.

    An endpoint with fewer than `kept` calls under way gets a place also when all `total` are taken: at most `total` and
    `kept` for each endpoint are taken at once, and never more than `per_endpoint` by one; `fewer` says which have less.
    """

    def __init__(self, *, total: int, per_endpoint: int, kept: int, fewer: Mapping[str, int] | None = None) -> None:
        self._total = total
        self._per_endpoint = per_endpoint
        self._fewer = fewer or {}
        self._kept = kept
        self._taken: Counter[str] = Counter()
        self._waiting: dict[str, deque[asyncio.Future[None]]] = {}
        self.taken = 0

    @asynccontextmanager
    async def one(self, endpoint: str) -> AsyncIterator[None]:
        """Wait for a place of `endpoint`, in turn, and give it back at the end."""
        if self._waiting.get(endpoint) or not self._is_free(endpoint):
            await self._wait(endpoint)
        else:
            self._take(endpoint)
        try:
            yield
        finally:
            self._give_back(endpoint)

    def _is_free(self, endpoint: str) -> bool:
        taken = self._taken[endpoint]
        return taken < self._fewer.get(endpoint, self._per_endpoint) and (
            self.taken < self._total or taken < self._kept
        )

    def _take(self, endpoint: str) -> None:
        self._taken[endpoint] += 1
        self.taken += 1

    def _give_back(self, endpoint: str) -> None:
        self._taken[endpoint] -= 1
        self.taken -= 1
        for name in list(self._waiting):
            if self._hand_on(name):
                self._waiting[name] = self._waiting.pop(name)  # the last in turn for the next

    def _hand_on(self, endpoint: str) -> bool:
        """Give a free place to the first who waits at `endpoint`; return whether there was one."""
        queue = self._waiting[endpoint]
        while queue and self._is_free(endpoint):
            first = queue.popleft()
            if not first.done():
                self._take(endpoint)
                first.set_result(None)
                return True
        return False

    async def _wait(self, endpoint: str) -> None:
        turn = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(endpoint, deque()).append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if not turn.cancelled():  # the place came with the cancellation
                self._give_back(endpoint)
            elif turn in self._waiting[endpoint]:
                self._waiting[endpoint].remove(turn)
            raise
