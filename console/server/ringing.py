"""Bells for what was recorded, rung by a thread of its own: no Redis, hung or absent, holds up an answer."""

import queue
import threading
import time
from collections.abc import Callable, Sequence

import structlog
from redis import RedisError

from worker.depths import LOOK_AGAIN_SECONDS, SHORT_QUEUE
from worker.queues import classify_queue
from worker.store.recording import Key

WAITING_AT_MOST = 1_000
log = structlog.get_logger()


class Ringer:
    """`ring` publishes bells, `depth` says how many a queue holds: both may take seconds, and are called here only.

    What finds no place is rung for by the sweep, like everything that Redis lost.
    """

    def __init__(
        self,
        *,
        ring: Callable[[str, Sequence[Key]], None],
        depth: Callable[[str], int],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._ring = ring
        self._depth = depth
        self._clock = clock
        self._bells: queue.Queue[tuple[str, Sequence[Key]]] = queue.Queue(WAITING_AT_MOST)
        self._room: dict[str, bool] = {}
        self._looked_at = 0.0

    def start(self) -> None:
        threading.Thread(target=self._run, name="ringer", daemon=True).start()

    def has_room(self, endpoint: str) -> bool:
        """Whether the last look, a second ago or so, found room for this endpoint's bells; one not seen yet has some."""
        return self._room.setdefault(endpoint, True) and not self._bells.full()

    def ring(self, endpoint: str, keys: Sequence[Key]) -> None:
        """Have bells rung soon."""
        try:
            self._bells.put_nowait((endpoint, keys))
        except queue.Full:
            log.warning("bells wait too long for Redis; the sweep will ring", endpoint=endpoint, ids=len(keys))

    def _run(self) -> None:
        while True:
            try:
                endpoint, keys = self._bells.get(timeout=LOOK_AGAIN_SECONDS)
            except queue.Empty:
                pass
            else:
                self._ring(endpoint, keys)
            if self._clock() - self._looked_at >= LOOK_AGAIN_SECONDS:
                self._look()
                self._looked_at = self._clock()

    def _look(self) -> None:
        for endpoint in list(self._room):
            try:
                self._room[endpoint] = self._depth(classify_queue(endpoint)) <= SHORT_QUEUE
            except RedisError:
                self._room = dict.fromkeys(self._room, False)
                return
