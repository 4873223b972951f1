"""What the routes share, put together in one place: settings, who may come in, how much of it, the intake."""

from collections.abc import Callable, Sequence
from datetime import timedelta

from console.server.intake import Intake
from console.server.keyring import Keyring
from console.server.metrics import HttpMetrics
from console.server.rates import Rates
from console.server.receiving import Receiver
from console.server.refusals import Refusals
from console.server.ringing import Ringer
from worker.metrics import Metrics
from worker.outage import Impatience
from worker.recorder import Recorder
from worker.redacting import Redaction
from worker.settings import Settings
from worker.store.connecting import Engine
from worker.store.recording import Key


class House:
    """The server's own part of the line. `ring` and `depth` reach Redis; a thread of the ringer's waits for them."""

    def __init__(
        self,
        *,
        settings: Settings,
        engine: Engine,
        ring: Callable[[str, Sequence[Key]], None],
        depth: Callable[[str], int],
        redaction: Redaction | None = None,
    ) -> None:
        self.settings = settings
        self.engine = engine
        self.metrics = Metrics()
        self.http_metrics = HttpMetrics(self.metrics)
        self.receiver = Receiver(at_most=settings.http_body_bytes)
        self.rates = Rates(per_minute=settings.http_generations_per_minute)
        self.ringer = Ringer(ring=ring, depth=depth)
        self.keyring = Keyring(engine)
        self.intake = Intake(
            Recorder(
                engine=engine,
                past=timedelta(days=settings.past_days),
                patience=Impatience(),
                ring=self.ringer.ring,
                has_room=self.ringer.has_room,
                metrics=self.metrics,
                redaction=redaction,
                estimates=settings.estimate_cost == "on",
            ),
            processes=settings.http_processes,
        )

        self.refusals = Refusals(self.intake.count_lost)

    def start(self) -> None:
        self.ringer.start()
        self.intake.start()

    def stop_waiting(self) -> None:
        """The first step of the end: who has not sent its body yet is not waited for. On the event loop's thread."""
        self.receiver.stop()

    async def stop(self) -> None:
        """The end, when every request has been answered."""
        await self.refusals.end()
        self.intake.stop(within_seconds=1.0)
        self.keyring.stop()
