"""One worker process's part of the line, put together in one place: room, calls, writer and what they share."""

import time
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta

import structlog

from classifier_models.breaker import Breaker
from classifier_models.endpoints import Endpoint
from worker.calls import Asking, Calls, fewer_places
from worker.depths import Depths
from worker.gates import Gates
from worker.last_chances import LastChances
from worker.metrics import Metrics
from worker.open_days import OpenDays
from worker.outage import Outage
from worker.recorder import Recorder
from worker.redacting import Redaction
from worker.room import Room
from worker.settings import Settings
from worker.store.claims import Claimed
from worker.store.connecting import Engine
from worker.store.outcomes import Ended
from worker.store.recording import Key
from worker.versions import Versions
from worker.writing import Writer

WRITE_AHEAD = 256
"""Answers on their way into Postgres that still count as room, beside the calls in flight."""

KEPT_PER_ENDPOINT = 32
"""One bell's worth of room that every endpoint has, whatever fills the rest."""

LAST_WRITE_SHARE = 0.1
"""Of `drain_seconds`: what is kept for writing down how the last calls ended, and which were released."""

LEAST_LAST_WRITE_SECONDS = 0.5

log = structlog.get_logger()


class Line:
    """What recording, classifying and the sweep need of their process.

    `ring` publishes bells: (endpoint, keys); `depth` says how many messages a queue holds.
    """

    def __init__(
        self,
        *,
        settings: Settings,
        engine: Engine,
        endpoints: Mapping[str, Endpoint],
        gates: Gates,
        ring: Callable[[str, Sequence[Key]], None],
        metrics: Metrics,
        depth: Callable[[str], int] = lambda queue: 0,
        redaction: Redaction | None = None,
    ) -> None:
        self.settings = settings
        self.engine = engine
        self.endpoints = endpoints
        self.ring = ring
        self.depths = Depths(depth=depth)
        self.open_days = OpenDays()
        self.metrics = metrics
        self.stopping_since = 0.0
        self.versions = Versions()
        self.outage = Outage(engine=engine, gates=gates)
        self.recorder = Recorder(
            engine=engine,
            past=timedelta(days=settings.past_days),
            patience=self.outage,
            ring=ring,
            has_room=self.depths.has_room,
            metrics=metrics,
            redaction=redaction,
            estimates=settings.estimate_cost == "on",
        )
        self.breaker = Breaker(clock=time.monotonic, probe_seconds=settings.probe_seconds)
        ahead = settings.calls_ready + WRITE_AHEAD
        self.room = Room(
            total=settings.calls_in_flight + 2 * ahead,
            per_endpoint=settings.places_per_endpoint + ahead,
            kept=KEPT_PER_ENDPOINT,
            waiters_allowed=max(1, settings.threads // 4),
            waiters_in_all=settings.threads // 2,
            gates=gates,
            fewer={name: few + settings.calls_ready for name, few in fewer_places(endpoints).items()},
        )
        self.last_chances = LastChances()
        self.writer = Writer(engine=engine, written=self._written)
        self.calls = Calls(
            endpoints=endpoints,
            breaker=self.breaker,
            in_flight=settings.calls_in_flight,
            in_flight_per_endpoint=settings.places_per_endpoint,
            timeout_seconds=settings.call_timeout_seconds,
            ended=self.writer.put,
            forsaken=self.forsake,
        )
        metrics.watch(calls=lambda: self.calls.in_flight, room=lambda: self.room.inside)

    def start(self) -> None:
        self.calls.start()
        self.writer.start()

    def ask(self, claimed: Sequence[Asking | Ended]) -> None:
        """Hand questions to the calls, and what needs none to the writer."""
        for one in claimed:
            if isinstance(one, Ended):
                self.writer.put(one)
        asking = [one for one in claimed if isinstance(one, Asking)]
        if asking:
            self.calls.hand_over(asking)

    def forsake(self, claimed: Claimed) -> None:
        """Leave a claimed classification to its lease, which brings it back or ends it."""
        self.room.leave(claimed.endpoint, 1)
        if claimed.last_chance:
            self.last_chances.let_go()

    def stop_claiming(self) -> None:
        """The first step of a shutdown: nobody enters the room any more, and nobody waits for Postgres."""
        self.stopping_since = time.monotonic()
        self.room.close()
        self.last_chances.close()
        self.outage.give_up()

    def stop(self) -> None:
        """Finish calls, release the rest, write it all down: all of it within `drain_seconds` of the first step.

        Whoever stops us kills us soon after that, and a Postgres that is away may not be back by then.
        """
        end_at = self.stopping_since + self.settings.drain_seconds
        self.calls.stop(end_at - LAST_WRITE_SHARE * self.settings.drain_seconds - time.monotonic())
        if not self.writer.stop(max(end_at - time.monotonic(), LEAST_LAST_WRITE_SECONDS)):
            log.error(
                "stopped before every outcome was written; leases bring them back", classifications=self.room.inside
            )
        self.engine.dispose()

    def _written(self, batch: Sequence[Ended], current: Sequence[Ended]) -> None:
        for one in batch:
            self.room.leave(one.claimed.endpoint, 1)
        self.last_chances.note(batch)
        self.metrics.count(batch, current)
