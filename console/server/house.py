"""What the routes share, put together in one place: settings, the intake, who may come in."""

from collections.abc import Callable, Sequence
from datetime import timedelta

from console.server.intake import Intake
from console.server.keyring import Keyring
from console.server.ringing import Ringer
from worker.metrics import Metrics
from worker.outage import Impatience
from worker.recorder import Recorder
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
    ) -> None:
        self.settings = settings
        self.engine = engine
        self.metrics = Metrics()
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
            )
        )

    def start(self) -> None:
        self.ringer.start()
        self.intake.start()

    def stop(self) -> None:
        """The end, when every request has been answered."""
        self.intake.stop(within_seconds=1.0)
        self.keyring.stop()
        self.engine.dispose()
