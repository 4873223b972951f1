"""The stage of a fault: a database, a Redis, a model server, and the workers and the beat that a test starts on them."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

import api_hooks
from tests.acceptance import samples
from tests.acceptance.processes import Process
from tests.acceptance.reading import FINAL, Database
from tests.model_server import ModelServer
from tests.waiting import wait_until
from worker.store.engine import connecting

DRAIN_SECONDS = 3.0
SHORT = {
    "AFTERTAG_SWEEP_SECONDS": "0.5",
    "AFTERTAG_UPKEEP_SECONDS": "1",
    "AFTERTAG_RING_AGAIN_SECONDS": "2",
    "AFTERTAG_CALL_TIMEOUT_SECONDS": "30",
    "AFTERTAG_WAIT_SECONDS": "10",
    "AFTERTAG_WRITE_SECONDS": "2",
    "AFTERTAG_PROBE_SECONDS": "1",
    "AFTERTAG_VISIBILITY_TIMEOUT_SECONDS": "4",
    "AFTERTAG_DRAIN_SECONDS": str(DRAIN_SECONDS),
    "AFTERTAG_LOG_FORMAT": "json",
}


class Stage:
    """Starts processes, hands generations to the real hook, and looks at what became of them."""

    def __init__(self, database_url: str, redis_url: str, model_server: ModelServer, directory: Path) -> None:
        self.database = Database(database_url)
        self.redis_url = redis_url
        self.model_server = model_server
        self._directory = directory
        self.processes: list[Process] = []
        self._environ = SHORT | {
            "AFTERTAG_DATABASE_URL": database_url,
            "AFTERTAG_REDIS_URL": redis_url,
            "AFTERTAG_ENDPOINT_TEST_URL": model_server.url,
        }
        api_hooks.configure(url=redis_url, workspace=samples.WORKSPACE, flush_seconds=0.02, exit_seconds=0.0)

    def classifier(self, *dimensions: str, **settings: Any) -> None:
        with connecting(self.database.url) as engine:
            samples.classifier(engine, *dimensions, **settings)

    def worker(self, *, ready: bool = True, others: Mapping[str, str] | None = None, **environ: str) -> Process:
        """Start one more worker; `environ` by the settings' names, without the prefix, "" for none, `others` with all."""
        started = self._start("worker", environ, others)
        if ready:
            started.wait_until_ready()
        return started

    def beat(self, **environ: str) -> Process:
        return self._start("beat", environ)

    def enqueue(self, id_: str, *said: str, **fields: Any) -> None:
        """Hand one generation to the hook; calls about it are counted under its id."""
        turns = samples.generation(id_, *said)["turns"]
        assert api_hooks.enqueue([{"role": "user", "content": turns[0][1]}], turns[1][1], id=id_, **fields)

    def publish(self, *ids: str, **fields: Any) -> None:
        """Hand over generations with these ids, and see them off into Redis."""
        for id_ in ids:
            self.enqueue(id_, **fields)
        self.flush()

    def flush(self) -> None:
        assert api_hooks.flush(30), "the hook could not send everything"

    def redis(self) -> "redis.Redis":
        """A client that says at once when Redis is away."""
        return redis.Redis.from_url(self.redis_url, retry=Retry(NoBackoff(), retries=0))

    def waiting_in(self, queue: str) -> int:
        with self.redis() as client:
            return int(client.llen(queue))  # type: ignore[arg-type]

    def wait_until_recorded(self, generations: int, *, deadline_seconds: float = 30) -> None:
        wait_until(
            lambda: self.database.count("generations") >= generations,
            deadline_seconds=deadline_seconds,
            what=f"{generations} recorded generations",
        )

    def wait_until_final(self, generations: int, *, deadline_seconds: float = 60) -> None:
        """Wait until so many generations stand there, and every one of them is in a final state."""

        def final() -> bool:
            seen = self.database.classifications()
            return len(seen) >= generations and all(one.state in FINAL for one in seen.values())

        try:
            wait_until(final, deadline_seconds=deadline_seconds, what=f"a final state for {generations} generations")
        except AssertionError as error:
            raise AssertionError(f"{error}; {dict(self.database.whys())}\n{self.logs()}") from None

    def kill(self, worker: Process) -> None:
        """Kill it, and let the time pass for which its claims last."""
        worker.kill()
        self.database.execute("update classifications set lease_until = now() where state = 'running'")

    def logs(self) -> str:
        return "\n".join(f"== {one.name} {one.pid}\n{one.log}" for one in self.processes)

    def end(self) -> None:
        for process in self.processes:
            process.kill()
        api_hooks.close(0.0)

    def _start(self, name: str, environ: dict[str, str], others: Mapping[str, str] | None = None) -> Process:
        own = {
            **self._environ,
            **(others or {}),
            **{f"AFTERTAG_{key.upper()}": value for key, value in environ.items()},
        }
        log = self._directory / f"{name}-{len(self.processes)}.log"
        process = Process(name, own, log)
        self.processes.append(process)
        return process


@contextmanager
def stage_of(database_url: str, redis_url: str, model_server: ModelServer, directory: Path) -> Iterator[Stage]:
    """A stage whose processes are gone afterwards."""
    made = Stage(database_url, redis_url, model_server, directory)
    try:
        yield made
    finally:
        made.end()
