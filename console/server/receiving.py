"""A request's body on its way in: bounded in size, in time, and in what all requests together hold in memory."""

import asyncio
import threading
from collections import Counter
from collections.abc import AsyncIterator, Hashable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress

from starlette.requests import ClientDisconnect

from console.server import bodies, errors

BODY_SECONDS = 60.0
"""How long a body may take to arrive; whoever is slower sends smaller ones."""

STOPPING_SECONDS = 1.0
"""The same once the server has been told to stop."""

PASSED_OVER_SECONDS = 5.0
PASSED_OVER_TIMES = 10
"""How much of a refused body is read and forgotten, in time and in largest bodies.

Most clients send all of it before they look for an answer: a connection that is closed meanwhile looks broken to them,
and they never hear why.
"""

BODIES_AT_ONCE = 5
"""Bodies of the largest size that may be in memory together; Python takes some five times their size to read them.

One workspace's take no more than they leave to others: what waits for a slow redaction once filled it.
"""


class Body:
    """What has arrived of one request, and what it has been unpacked to."""

    def __init__(self, memory: "Memory", *, owner: Hashable, at_most: int) -> None:
        self._memory = memory
        self._owner = owner
        self._at_most = at_most
        self._packed = bytearray()
        self._held = 0
        self._is_forgotten = False
        self._readers = 0
        self._lock = threading.Lock()

    def add(self, chunk: bytes) -> None:
        """Raise TooLargeError, or NotNowError when all bodies together are too much."""
        if len(self._packed) + len(chunk) > self._at_most:
            raise bodies.too_large(self._at_most)
        self._hold(len(chunk))
        self._packed += chunk

    def unpacked(self, encoding: str | None) -> bytes:
        """Return the whole as it was before its Content-Encoding; for a reading thread."""
        whole = bodies.unpacked(bytes(self._packed), encoding, at_most=self._at_most)
        self._hold(max(0, len(whole) - len(self._packed)))
        return whole

    @contextmanager
    def being_read(self) -> Iterator[None]:
        """Around what a reading thread does with it: so long it takes up memory, also when its request has been answered."""
        with self._lock:
            self._readers += 1
        try:
            yield
        finally:
            with self._lock:
                self._readers -= 1
                self._give_back_unless_held()

    def forget(self) -> None:
        """Give back what it held, now or once nobody reads it any more."""
        with self._lock:
            self._is_forgotten = True
            self._give_back_unless_held()

    def _give_back_unless_held(self) -> None:
        if self._is_forgotten and not self._readers:
            self._memory.give_back(self._held, owner=self._owner)
            self._held = 0

    def _hold(self, count: int) -> None:
        with self._lock:
            if self._is_forgotten:
                raise errors.NotNowError("The request has been answered meanwhile.")
            self._memory.take(count, owner=self._owner)
            self._held += count


class Memory:
    """Counts the bytes of all bodies, and of each owner's; thread-safe."""

    def __init__(self, *, at_most: int) -> None:
        self._left = at_most
        self._held: Counter[Hashable] = Counter()
        self._lock = threading.Lock()

    def take(self, count: int, *, owner: Hashable) -> None:
        """Raise NotNowError when the owner would hold more than is left to others."""
        with self._lock:
            if self._held[owner] + count > self._left - count:
                raise errors.NotNowError("Too many large bodies are on their way; send it again in a moment.")
            self._left -= count
            self._held[owner] += count

    def give_back(self, count: int, *, owner: Hashable) -> None:
        with self._lock:
            self._left += count
            self._held[owner] -= count
            if not self._held[owner]:
                del self._held[owner]


class Receiver:
    """Takes bodies in; for one event loop."""

    def __init__(self, *, at_most: int, seconds: float = BODY_SECONDS) -> None:
        self._at_most = at_most
        self._seconds = seconds
        self._memory = Memory(at_most=BODIES_AT_ONCE * at_most)
        self._waiting: set[asyncio.Timeout] = set()

    @asynccontextmanager
    async def received(
        self, stream: AsyncIterator[bytes], *, owner: Hashable, announced: str | None
    ) -> AsyncIterator[Body]:
        """Yield the whole body, which takes up memory until the block ends.

        Raise TooLargeError as soon as it is or says that it will be, TooLateError when it takes longer than a minute,
        NotNowError when all bodies together are too much.
        """
        if _bytes_announced(announced) > self._at_most:
            raise bodies.too_large(self._at_most)
        body = Body(self._memory, owner=owner, at_most=self._at_most)
        try:
            await self._fill(body, stream)
            yield body
        finally:
            body.forget()

    async def pass_over(self, stream: AsyncIterator[bytes], *, announced: str | None) -> None:
        """Read what is left of a refused body, within bounds, so that its sender hears the answer."""
        left = PASSED_OVER_TIMES * self._at_most
        if _bytes_announced(announced) > left:
            return
        with suppress(TimeoutError, ClientDisconnect):
            async with self._in_time(min(self._seconds, PASSED_OVER_SECONDS)):
                async for chunk in stream:
                    left -= len(chunk)
                    if left < 0:
                        return

    def stop(self) -> None:
        """Wait no longer for who is slow."""
        self._seconds = STOPPING_SECONDS
        end = asyncio.get_running_loop().time() + STOPPING_SECONDS
        for one in self._waiting:
            one.reschedule(end)

    async def _fill(self, body: Body, stream: AsyncIterator[bytes]) -> None:
        try:
            async with self._in_time(self._seconds):
                async for chunk in stream:
                    body.add(chunk)
        except TimeoutError:
            raise errors.TooLateError("The body did not arrive in time; send smaller ones.") from None

    @asynccontextmanager
    async def _in_time(self, seconds: float) -> AsyncIterator[None]:
        async with asyncio.timeout(seconds) as waiting:
            self._waiting.add(waiting)
            try:
                yield
            finally:
                self._waiting.discard(waiting)


def _bytes_announced(announced: str | None) -> int:
    return int(announced[:20]) if announced is not None and announced.isdecimal() else 0
