"""Threads that several keys share: one key's slow steps leave others theirs, and nobody waits without end."""

import asyncio
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine

from console.server import errors
from console.server.intake import Intake
from console.server.receiving import Body, Memory
from console.server.sharing import SharedThreads
from tests.console.server.conftest import tenant_in
from tests.console.server.serving import caller, said, serving
from tests.waiting import wait_until
from worker.metrics import Metrics
from worker.outage import Impatience
from worker.recorder import Recorder
from worker.store import engine as engines


@pytest.fixture
def released() -> Iterator[threading.Event]:
    event = threading.Event()
    yield event
    event.set()


def test_one_keys_slow_steps_leave_the_other_half_to_others(released: threading.Event) -> None:
    async def try_it() -> None:
        threads = SharedThreads(4, name="test")
        begun = threading.Semaphore(0)

        def slow() -> str:
            begun.release()
            released.wait(30)
            return "slow"

        several = [asyncio.create_task(threads.run(slow, key="a", within_seconds=30)) for _ in range(8)]
        await asyncio.to_thread(lambda: [begun.acquire(timeout=10) for _ in range(2)])
        for _ in range(20):
            assert await threads.run(lambda: "quick", key="b", within_seconds=5) == "quick"
        assert not begun.acquire(blocking=False)
        released.set()
        assert await asyncio.gather(*several) == ["slow"] * 8
        assert await threads.run(lambda: "again", key="a", within_seconds=5) == "again"
        threads.stop()

    asyncio.run(try_it())


def test_a_step_that_takes_too_long_keeps_its_keys_place_until_it_ends(released: threading.Event) -> None:
    async def try_it() -> None:
        threads = SharedThreads(2, name="test")
        with pytest.raises(TimeoutError):
            await threads.run(lambda: released.wait(30), key="a", within_seconds=0.05)
        never: list[int] = []
        with pytest.raises(TimeoutError):
            await threads.run(lambda: never.append(1), key="a", within_seconds=0.05)
        released.set()
        assert await threads.run(lambda: "again", key="a", within_seconds=10) == "again"
        assert never == []
        threads.stop()

    asyncio.run(try_it())


def test_reading_that_takes_too_long_is_answered_with_not_now(released: threading.Event) -> None:
    async def try_it(intake: Intake) -> None:
        with pytest.raises(errors.NotNowError, match="takes too long"):
            await intake.read(lambda: released.wait(30), key="a")

    with engines.connecting("postgresql://nobody@localhost/nothing") as engine:
        recorder = Recorder(
            engine=engine,
            past=timedelta(days=1),
            patience=Impatience(),
            ring=lambda endpoint, keys: None,
            has_room=lambda endpoint: False,
            metrics=Metrics(),
        )
        asyncio.run(try_it(Intake(recorder, answer_seconds=0.05)))


def test_a_body_that_is_unpacked_after_its_answer_holds_no_memory() -> None:
    memory = Memory(at_most=1_000)
    body = Body(memory, at_most=1_000)
    body.add(b"x" * 600)
    body.forget()
    with pytest.raises(errors.NotNowError):
        body.add(b"x")
    memory.take(1_000)


def test_a_slow_redaction_of_one_tenants_text_holds_up_no_other_tenant(
    shared_engine: Engine, tmp_path_factory: pytest.TempPathFactory, tmp_path: Path
) -> None:
    url = shared_engine.url.render_as_string(hide_password=False).replace("+psycopg", "")
    slow, quick = tenant_in(shared_engine), tenant_in(shared_engine)
    with (
        serving(url, None, tmp_path_factory.mktemp("slow"), redact="tests.console.server.hiding:hide") as server,
        caller(server, slow.token) as one,
        caller(server, quick.token) as other,
        ThreadPoolExecutor(8) as pool,
    ):
        text = {"messages": f"wait in {tmp_path}"}
        waiting = [pool.submit(one.post, text) for _ in range(8)]
        wait_until(lambda: len(list(tmp_path.glob("begun-*"))) >= 2, what="two redactions that have begun")
        for _ in range(20):
            assert other.client.post("/v1/generations", json=said(), headers=other.headers, timeout=5).is_success
        assert len(list(tmp_path.glob("begun-*"))) == 2
        (tmp_path / "go on").touch()
        assert [done.result(20).json()["recorded"] for done in waiting] == [1] * 8
