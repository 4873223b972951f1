"""Writing what ended, as it ends, in small batches: one thread, one transaction a batch."""

import queue
import threading
from collections.abc import Callable, Sequence

import structlog

from worker import ending
from worker.store import engine as engines
from worker.store import outcomes, spans
from worker.store.connecting import DatabaseError, Engine, NoConnectionError
from worker.store.outcomes import Ended

BATCH = 200
LINGER_SECONDS = 0.03
RETRY_SECONDS = 1.0

log = structlog.get_logger()


class Writer:
    """Takes ended classifications from any thread; `written` is called with each batch that stands in Postgres.

    While Postgres is away a batch waits. Nothing here is bounded by itself: the room bounds what can be waiting.
    `broken` is called when the thread ends by an exception: from then on nothing would be written.
    """

    def __init__(
        self,
        *,
        engine: Engine,
        written: Callable[[Sequence[Ended], Sequence[Ended]], None],
        broken: Callable[[BaseException], object] = ending.end_now,
    ) -> None:
        self._engine = engine
        self._written = written
        self._broken = broken
        self._waiting: queue.SimpleQueue[Ended | None] = queue.SimpleQueue()
        self._giving_up = threading.Event()
        self._thread = threading.Thread(target=self._run, name="aftertag-writer", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def put(self, ended: Ended) -> None:
        """Have it written; return at once."""
        self._waiting.put(ended)

    def stop(self, timeout_seconds: float) -> bool:
        """Write what is waiting; return whether all of it stands in Postgres. Leases bring back what does not."""
        self._waiting.put(None)
        self._thread.join(timeout_seconds)
        self._giving_up.set()
        return not self._thread.is_alive()

    def _run(self) -> None:
        last = False
        try:
            while not last:
                batch, last = self._next_batch()
                if batch:
                    self._write_in_spans(batch)
        except BaseException as error:  # noqa: BLE001 - whatever it is, nobody writes any more
            self._broken(error)

    def _next_batch(self) -> tuple[list[Ended], bool]:
        """Wait for one, then take what comes within a moment: a batch costs one transaction however large it is."""
        first = self._waiting.get()
        if first is None:
            return [], True
        batch = [first]
        self._giving_up.wait(LINGER_SECONDS)
        while len(batch) < BATCH:
            try:
                following = self._waiting.get_nowait()
            except queue.Empty:
                break
            if following is None:
                return batch, True
            batch.append(following)
        return batch, False

    def _write_in_spans(self, batch: Sequence[Ended]) -> None:
        for some in spans.grouped(batch, lambda one: one.claimed.key[2]):
            self._write(some)

    def _write(self, batch: Sequence[Ended]) -> None:
        pauses = iter(engines.PAUSES_SECONDS)
        while not self._giving_up.is_set():
            try:
                with self._engine.begin() as connection:
                    current = outcomes.write(connection, batch)
            except (DatabaseError, NoConnectionError, TypeError, ValueError) as error:
                # The last two: what JSON or text cannot hold.
                if engines.is_outage(error):
                    log.warning("outcomes wait for Postgres", classifications=len(batch))
                    self._giving_up.wait(RETRY_SECONDS)
                    continue
                if engines.is_in_the_way(error) and (pause := next(pauses, None)):
                    self._giving_up.wait(pause)
                    continue
                self._write_apart(batch)
                return
            self._written(batch, current)
            return

    def _write_apart(self, batch: Sequence[Ended]) -> None:
        """Something in the batch cannot be written: write the others, and leave that one to its lease."""
        if len(batch) == 1:
            log.error("an outcome cannot be written", generation_id=batch[0].claimed.key[1])
            self._written(batch, [])
            return
        middle = len(batch) // 2
        self._write(batch[:middle])
        self._write(batch[middle:])
