"""The line of one worker process without Celery around it: for what depends on calls and rows alone."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from classifier_models import endpoints
from tests.acceptance.reading import Database
from tests.waiting import wait_until
from worker import classifying, recording, sweeping
from worker.gates import Gates
from worker.line import Line
from worker.metrics import Metrics
from worker.recording import IDS_PER_BELL, Recorded
from worker.settings import Settings
from worker.store import engine as engines
from worker.store.recording import Key

SHORT = {"call_timeout_seconds": 30, "wait_seconds": 10, "write_seconds": 5, "drain_seconds": 1, "probe_seconds": 0.05}


class InProcess:
    """Recording, classifying and the sweep, one step at a time; bells are kept until `answer_bells`."""

    def __init__(self, database_url: str, urls: dict[str, str], **settings: Any) -> None:
        self.database = Database(database_url)
        self.engine = engines.connect(database_url, application="aftertag test", connections=4)
        self.bells: list[tuple[str, list[Key]]] = []
        environ = {f"AFTERTAG_ENDPOINT_{name.upper()}_URL": url for name, url in urls.items()}
        self.line = Line(
            settings=Settings.model_validate(SHORT | settings),
            engine=self.engine,
            endpoints=endpoints.from_environment(environ),
            gates=Gates(),
            ring=self._ring,
            metrics=Metrics(),
        )

    def let_hang(self) -> None:
        """Wait for a hung call no longer than it takes to be sure, on a machine that does much else, that others came."""
        self.line.calls._timeout_seconds = 3

    def record(self, *generations: dict[str, Any]) -> Recorded:
        return recording.record(self.line.recorder, {"v": 1, "generations": list(generations)})

    def answer_bells(self, *, wait: bool = True) -> None:
        """Classify whom bells were rung for; `wait` until everything that was claimed is written."""
        bells, self.bells = self.bells, []
        for endpoint, keys in bells:
            for start in range(0, len(keys), IDS_PER_BELL):
                classifying.classify(self.line, endpoint, keys[start : start + IDS_PER_BELL])
        if wait:
            assert self.line.room.wait_until_empty(20), "something claimed was not written"

    def sweep(self) -> int:
        return sweeping.sweep(self.line, depth=lambda queue: 0)

    def again(self) -> None:
        """Let the time pass that rows wait for; sweep, and classify whom it rang for."""
        self.database.make_due()
        self.database.execute("update classifications set rung_at = null")
        self.sweep()
        self.answer_bells()

    def run(self, *generations: dict[str, Any]) -> None:
        """Record a batch, and classify all of it in one go."""
        self.record(*generations)
        self.answer_bells()

    def again_until_tagged(self, ids: Sequence[str]) -> None:
        def tagged() -> bool:
            seen = self.database.classifications()
            if all(seen[id_].state == "tagged" for id_ in ids):
                return True
            self.again()
            return False

        wait_until(tagged, what="tags for every neighbour")

    def why(self, id_: str) -> str:
        return self.database.classifications()[id_].why

    def _ring(self, endpoint: str, keys: Sequence[Key]) -> None:
        self.bells.append((endpoint, list(keys)))


@contextmanager
def in_process(database_url: str, urls: dict[str, str], **settings: Any) -> Iterator[InProcess]:
    """Yield a line that is started; it is drained and stopped afterwards."""
    made = InProcess(database_url, urls, **settings)
    made.line.start()
    try:
        yield made
    finally:
        made.line.stop_claiming()
        made.line.stop()
