"""Whether there is room for more bells of an endpoint: Redis is asked about once a second, not once a batch."""

import time
from collections.abc import Callable

from redis import RedisError

from worker.queues import classify_queue

SHORT_QUEUE = 312
"""Bells in a queue up to which more are added (some 10,000 ids): some seconds of one process's work."""

LOOK_AGAIN_SECONDS = 1.0


class Depths:
    """`depth` says how many bells a queue holds, `clock` is monotonic, in seconds. Thread-safe enough: two may look at once."""

    def __init__(self, *, depth: Callable[[str], int], clock: Callable[[], float] = time.monotonic) -> None:
        self._depth = depth
        self._clock = clock
        self._seen: dict[str, tuple[float, bool]] = {}

    def has_room(self, endpoint: str) -> bool:
        """Whether to ring for this endpoint now; else the sweep does, as room comes.

        A hung endpoint, or one that no worker serves, would grow its queue for ever. While Redis is away there is none.
        """
        now = self._clock()
        look_again_at, has_room = self._seen.get(endpoint, (now, False))
        if now >= look_again_at:
            has_room = self._is_short(classify_queue(endpoint))
            self._seen[endpoint] = (now + LOOK_AGAIN_SECONDS, has_room)
        return has_room

    def _is_short(self, queue: str) -> bool:
        try:
            return self._depth(queue) <= SHORT_QUEUE
        except RedisError:
            return False
