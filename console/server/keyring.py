"""Who may: the key that a request shows, looked up by its hash, and kept in mind for a few seconds."""

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

from console.server import errors
from worker.outage import Impatience, PostgresAwayError
from worker.store import keys
from worker.store.connecting import Engine
from worker.store.keys import Bearer

KEPT_SECONDS = 5.0
"""How long a revoked key may go on: the command that revokes one says so."""

KEPT_AT_MOST = 10_000
Looked = TypeVar("Looked")

LOOKING_THREADS = 2
ANSWER_SECONDS = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Seen:
    until: float
    bearer: "asyncio.Future[Bearer | None]"


class Keyring:
    """Looks keys up in Postgres, one look-up for all who show the same key at once. For one event loop."""

    def __init__(self, engine: Engine, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._engine = engine
        self._clock = clock
        self._seen: dict[bytes, _Seen] = {}
        self._looking = ThreadPoolExecutor(LOOKING_THREADS, thread_name_prefix="looking")

    async def bearer(self, token: str | None) -> Bearer:
        """Return whose key this is. Raise UnknownKeyError, WrongRoleError; NotNowError while Postgres is away."""
        if not token:
            raise errors.UnknownKeyError(
                "There is no key; send `Authorization: Bearer atk_…`, with one that `aftertag key create` made."
            )
        found = await self._look_up(token) if token.startswith(keys.TOKEN_MARK) else None
        if found is None:
            raise errors.UnknownKeyError(
                "There is no such key; `aftertag key create NAME --application APP` makes one."
            )
        if found.revoked:
            raise errors.UnknownKeyError(
                f"The key {found.name!r} was revoked; `aftertag key create NAME --application APP` makes another."
            )
        if found.role != "ingest":
            raise errors.WrongRoleError(
                f"The key {found.name!r} is a person's, of the role {found.role}; to hand in generations"
                " `aftertag key create NAME --application APP` makes one."
            )
        return found

    async def run(self, look: Callable[[], Looked]) -> Looked:
        """Return what another short look into Postgres finds, on the same threads."""
        return await asyncio.get_running_loop().run_in_executor(self._looking, look)

    def stop(self) -> None:
        self._looking.shutdown(wait=False, cancel_futures=True)

    async def _look_up(self, token: str) -> Bearer | None:
        hash_ = keys.digest(token)
        now = self._clock()
        seen = self._seen.get(hash_)
        if seen is None or now >= seen.until:
            seen = _Seen(until=now + KEPT_SECONDS, bearer=self._start(hash_))
            self._make_room(now)
            self._seen[hash_] = seen
        try:
            return await asyncio.wait_for(asyncio.shield(seen.bearer), ANSWER_SECONDS)
        except (PostgresAwayError, TimeoutError):
            if self._seen.get(hash_) is seen:
                del self._seen[hash_]
            raise errors.NotNowError("The database is away, so no key can be looked up; send it again.") from None

    def _start(self, hash_: bytes) -> "asyncio.Future[Bearer | None]":
        found = asyncio.get_running_loop().run_in_executor(self._looking, self._read, hash_)
        found.add_done_callback(lambda ended: ended.cancelled() or ended.exception())  # heard, also when nobody waits
        return found

    def _read(self, hash_: bytes) -> Bearer | None:
        def look() -> Bearer | None:
            with self._engine.begin() as connection:
                return keys.bearer(connection, hash_)

        return Impatience().outlast(look)

    def _make_room(self, now: float) -> None:
        """Forget what is too old, and all when there are too many: somebody tries tokens."""
        if len(self._seen) < KEPT_AT_MOST:
            return
        self._seen = {hash_: seen for hash_, seen in self._seen.items() if now < seen.until}
        if len(self._seen) >= KEPT_AT_MOST:
            self._seen.clear()
