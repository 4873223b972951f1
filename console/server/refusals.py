"""Requests refused whose senders give them up and tell nobody: the operator sees them in the log and in `queue`."""

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress

import structlog

from console.server import errors
from console.server.errors import Refusal
from console.server.ways import Way
from worker.line_health import REFUSED_REQUESTS
from worker.store import keys

WRITE_EVERY_SECONDS = 1.0
TELL_EVERY_SECONDS = 60.0
log = structlog.get_logger()


class Refusals:
    """Counts them by what was wrong, and has `write` write them down once a second at most. For one event loop.

    How many generations a refused request held, nobody knows: requests are counted. One without a key of ours is
    anybody's, who could have the operator look at losses that are none.
    """

    def __init__(
        self, write: Callable[[Mapping[str, int]], Awaitable[None]], *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._write = write
        self._clock = clock
        self._lost: Counter[str] = Counter()
        self._told_at: dict[tuple[str, str], float] = {}
        self._writing: asyncio.Task[None] | None = None
        self._ending = asyncio.Event()

    def count(self, way: Way, refusal: Refusal, *, token: str | None) -> None:
        """Take note of a refusal; of one after which the way's senders come again, or hear of it, none is taken."""
        is_lost = way.sent_again_after is not None and refusal.status not in way.sent_again_after
        if not is_lost or token is None or not token.startswith(keys.TOKEN_MARK):
            return
        self._lost[REFUSED_REQUESTS + refusal.code] += 1
        self._tell(way, refusal)
        if self._writing is None or self._writing.done():
            self._writing = asyncio.get_running_loop().create_task(self._write_until_all_is_written())

    async def end(self) -> None:
        """Write down what is not written yet; while Postgres is away it is lost."""
        self._ending.set()
        if self._writing is not None:
            await self._writing

    async def _write_until_all_is_written(self) -> None:
        while self._lost:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._ending.wait(), WRITE_EVERY_SECONDS)
            await self._write_down()
            if self._ending.is_set():
                return

    async def _write_down(self) -> None:
        lost, self._lost = self._lost, Counter()
        try:
            if lost:
                await self._write(lost)
        except errors.NotNowError:  # Postgres is away
            self._lost.update(lost)

    def _tell(self, way: Way, refusal: Refusal) -> None:
        now = self._clock()
        if now - self._told_at.get((way.name, refusal.code), -TELL_EVERY_SECONDS) < TELL_EVERY_SECONDS:
            return
        self._told_at[way.name, refusal.code] = now
        log.warning(
            "requests are refused that their sender may not send again",
            way=way.name,
            status=refusal.status,
            why=refusal.message,
        )
