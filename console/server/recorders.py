"""A few threads record what waits, many requests' generations in one transaction; each request waits for its own."""

import threading
from collections import deque
from collections.abc import Sequence
from concurrent.futures import Future, InvalidStateError
from contextlib import suppress
from dataclasses import dataclass
from typing import Literal

import structlog

from worker import recording
from worker.generation import Generation
from worker.outage import PostgresAwayError
from worker.recorder import Recorder
from worker.setting_aside import Rejected
from worker.store.recording import Key

THREADS = 2
"""Of each process: while Postgres works for one, the other makes ready. Four, with half as much each, recorded 8 % less."""

AT_ONCE_AT_MOST = 384
"""Generations in one transaction. With 64 instead of 256 recording took a third to a half more CPU, here and in Postgres."""

LOCKED_AT_MOST = 1_536
"""Given ids that all processes of a server hold at once: what three busy workers leave of a Postgres' locks."""

REQUESTS_AT_LEAST = 4
"""Of how many a transaction takes something when so many wait: a large batch does not hold up a small one."""

WAITING_AT_MOST = 20_000
"""Generations of all requests; what is over is told to come back."""

Outcome = Literal["recorded", "known"] | Rejected
log = structlog.get_logger()


def at_once(processes: int) -> int:
    """How many generations a transaction of a server of so many processes takes."""
    return min(AT_ONCE_AT_MOST, LOCKED_AT_MOST // (THREADS * processes))


class FullError(Exception):
    """As much waits already as there may."""


class Ticket:
    """One request's generations on their way; `outcomes` are in their order once `done` is."""

    def __init__(self, generations: Sequence[Generation]) -> None:
        self.generations = generations
        self.outcomes: list[Outcome] = ["known"] * len(generations)
        self.done: Future[list[Outcome]] = Future()
        self.taken = 0
        self._left = len(generations)

    def count_down(self) -> bool:
        """Note that one more has its outcome; return whether it was the last."""
        self._left -= 1
        return self._left == 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """One generation of a ticket."""

    ticket: Ticket
    index: int

    @property
    def generation(self) -> Generation:
        return self.ticket.generations[self.index]

    @property
    def key(self) -> Key:
        return (self.generation.workspace, self.generation.id, self.generation.created_at)


class Recorders:
    """Hands generations to threads. One transaction for each request's one generation was the plain design."""

    def __init__(self, recorder: Recorder, *, at_once: int = AT_ONCE_AT_MOST, threads: int = THREADS) -> None:
        self._recorder = recorder
        self._at_once = at_once
        self._waiting: deque[Ticket] = deque()
        self._generations_waiting = 0
        self._changed = threading.Condition()
        self._ending = False
        self._threads = [
            threading.Thread(target=self._run, name=f"recorder-{number}", daemon=True) for number in range(threads)
        ]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self, *, within_seconds: float) -> None:
        """Let the threads finish what waits; one that hangs in Postgres is left to the end of the process."""
        with self._changed:
            self._ending = True
            self._changed.notify_all()
        for thread in self._threads:
            thread.join(within_seconds / len(self._threads))

    def put(self, generations: Sequence[Generation]) -> Future[list[Outcome]]:
        """Return what will hold an outcome for each; its exception is PostgresAwayError. Raise FullError at the limit.

        Cancelled before a thread took it, it is not recorded.
        """
        ticket = Ticket(generations)
        if not generations:
            ticket.done.set_result([])
            return ticket.done
        with self._changed:
            if self._generations_waiting >= WAITING_AT_MOST:
                raise FullError
            self._waiting.append(ticket)
            self._generations_waiting += len(generations)
            self._changed.notify()
        return ticket.done

    def _run(self) -> None:
        while taken := self._take():
            try:
                self._record(taken)
            except PostgresAwayError as error:
                self._fail(taken, error)
            except Exception as error:  # noqa: BLE001 - a request must hear of it, and the thread live on
                log.error("recording failed unexpectedly", error=type(error).__name__)
                self._fail(taken, error)

    def _take(self) -> list[Place]:
        """Wait for generations and return up to a transaction's worth; none at the end."""
        with self._changed:
            while True:
                while not self._waiting:
                    if self._ending:
                        return []
                    self._changed.wait()
                if taken := self._next():
                    return taken

    def _next(self) -> list[Place]:
        taken: list[Place] = []
        while self._waiting and len(taken) < self._at_once:
            ticket = self._waiting.popleft()
            left = len(ticket.generations) - ticket.taken
            if ticket.done.done():  # its request has gone, or an earlier part of it failed
                self._generations_waiting -= left
                continue
            count = min(self._at_once // REQUESTS_AT_LEAST, self._at_once - len(taken), left)
            taken += [Place(ticket=ticket, index=ticket.taken + offset) for offset in range(count)]
            ticket.taken += count
            self._generations_waiting -= count
            if count < left:
                self._waiting.append(ticket)
        return taken

    def _record(self, taken: Sequence[Place]) -> None:
        new, refused = recording.record_each(self._recorder, [place.generation for place in taken])
        reasons = {one.key: one for one in refused}
        self._recorder.metrics.count_recorded(len(new), set_aside=0)
        for place in taken:
            key = place.key
            place.ticket.outcomes[place.index] = reasons.get(key) or ("recorded" if key in new else "known")
            new.discard(key)  # the same one again, in this transaction, is known
        with self._changed:
            ended = [place.ticket for place in taken if place.ticket.count_down()]
        for ticket in ended:
            with suppress(InvalidStateError):  # its request has gone
                ticket.done.set_result(ticket.outcomes)

    def _fail(self, taken: Sequence[Place], error: Exception) -> None:
        for ticket in {id(place.ticket): place.ticket for place in taken}.values():
            with suppress(InvalidStateError):
                ticket.done.set_exception(error)
