"""A request's body on its way in: bounded in size, in time, and in what all requests together hold in memory."""

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from console.server import bodies, errors

BODY_SECONDS = 60.0
"""How long a body may take to arrive; whoever is slower sends smaller ones."""

STOPPING_SECONDS = 1.0
"""The same once the server has been told to stop."""

BODIES_AT_ONCE = 5
"""Bodies of the largest size that may be in memory together; Python takes some five times their size to read them."""


class Body:
    """What has arrived of one request, and what it has been unpacked to."""

    def __init__(self, memory: "Memory", *, at_most: int) -> None:
        self._memory = memory
        self._at_most = at_most
        self._packed = bytearray()
        self._held = 0
        self._is_forgotten = False
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

    def forget(self) -> None:
        """Give back what it held; what a thread still unpacks of it, for a request that has been answered, holds nothing."""
        with self._lock:
            self._is_forgotten = True
            self._memory.give_back(self._held)
            self._held = 0

    def _hold(self, count: int) -> None:
        with self._lock:
            if self._is_forgotten:
                raise errors.NotNowError("The request has been answered meanwhile.")
            self._memory.take(count)
            self._held += count


class Memory:
    """Counts the bytes of all bodies; thread-safe."""

    def __init__(self, *, at_most: int) -> None:
        self._left = at_most
        self._lock = threading.Lock()

    def take(self, count: int) -> None:
        """Raise NotNowError when so much is not left."""
        with self._lock:
            if count > self._left:
                raise errors.NotNowError("Too many large bodies are on their way; send it again in a moment.")
            self._left -= count

    def give_back(self, count: int) -> None:
        with self._lock:
            self._left += count


class Receiver:
    """Takes bodies in; for one event loop."""

    def __init__(self, *, at_most: int, seconds: float = BODY_SECONDS) -> None:
        self._at_most = at_most
        self._seconds = seconds
        self._memory = Memory(at_most=BODIES_AT_ONCE * at_most)
        self._waiting: set[asyncio.Timeout] = set()

    @asynccontextmanager
    async def received(self, stream: AsyncIterator[bytes], *, announced: str | None) -> AsyncIterator[Body]:
        """Yield the whole body, which takes up memory until the block ends.

        Raise TooLargeError as soon as it is or says that it will be, TooLateError when it takes longer than a minute,
        NotNowError when all bodies together are too much.
        """
        if announced is not None and announced.isdecimal() and int(announced[:20]) > self._at_most:
            raise bodies.too_large(self._at_most)
        body = Body(self._memory, at_most=self._at_most)
        try:
            await self._fill(body, stream)
            yield body
        finally:
            body.forget()

    def stop(self) -> None:
        """Wait no longer for who is slow."""
        self._seconds = STOPPING_SECONDS
        end = asyncio.get_running_loop().time() + STOPPING_SECONDS
        for one in self._waiting:
            one.reschedule(end)

    async def _fill(self, body: Body, stream: AsyncIterator[bytes]) -> None:
        try:
            async with asyncio.timeout(self._seconds) as waiting:
                self._waiting.add(waiting)
                try:
                    async for chunk in stream:
                        body.add(chunk)
                finally:
                    self._waiting.discard(waiting)
        except TimeoutError:
            raise errors.TooLateError("The body did not arrive in time; send smaller ones.") from None
