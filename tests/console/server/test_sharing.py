"""Threads that several workspaces share: slow steps leave others theirs, and nobody waits without end."""

import asyncio
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine

from console.server import errors
from console.server.intake import Intake
from console.server.receiving import Body, Memory
from console.server.sharing import SharedThreads
from tests.console.server.conftest import tenant_in
from tests.console.server.serving import address_of, caller, said, serving
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


def test_of_one_owners_slow_steps_two_are_under_way_and_others_go_on(released: threading.Event) -> None:
    async def try_it() -> None:
        threads = SharedThreads(4, most_of_one=2, name="test")
        begun = threading.Semaphore(0)

        def slow() -> str:
            begun.release()
            released.wait(30)
            return "slow"

        several = [asyncio.create_task(threads.run(slow, owner="a", within_seconds=30)) for _ in range(8)]
        await asyncio.to_thread(lambda: [begun.acquire(timeout=10) for _ in range(2)])
        for _ in range(20):
            assert await threads.run(lambda: "quick", owner="b", within_seconds=5) == "quick"
        assert not begun.acquire(blocking=False)
        released.set()
        assert await asyncio.gather(*several) == ["slow"] * 8
        assert await threads.run(lambda: "again", owner="a", within_seconds=5) == "again"
        threads.stop()

    asyncio.run(try_it())


def test_a_step_that_takes_too_long_keeps_its_owners_place_until_it_ends(released: threading.Event) -> None:
    async def try_it() -> None:
        threads = SharedThreads(2, most_of_one=1, name="test")
        with pytest.raises(TimeoutError):
            await threads.run(lambda: released.wait(30), owner="a", within_seconds=0.05)
        never: list[int] = []
        with pytest.raises(TimeoutError):
            await threads.run(lambda: never.append(1), owner="a", within_seconds=0.05)
        released.set()
        assert await threads.run(lambda: "again", owner="a", within_seconds=10) == "again"
        assert never == []
        threads.stop()

    asyncio.run(try_it())


def test_slow_steps_of_many_owners_make_way_until_their_own_places_are_full(released: threading.Event) -> None:
    async def try_it() -> None:
        threads = SharedThreads(2, slow=4, most_of_one=2, name="test", slow_after_seconds=0.01)

        begun = threading.Semaphore(0)

        def slow() -> str:
            begun.release()
            released.wait(30)
            return "slow"

        async def quick(within_seconds: float) -> str:
            return await threads.run(lambda: "quick", owner="quick", within_seconds=within_seconds)

        async with asyncio.TaskGroup() as group:
            several = [group.create_task(threads.run(slow, owner=one, within_seconds=30)) for one in "aabb"]
            await asyncio.to_thread(lambda: [begun.acquire(timeout=10) for _ in several])
            assert await quick(10) == "quick"
            several += [group.create_task(threads.run(slow, owner=one, within_seconds=30)) for one in "ccdd"]
            await asyncio.to_thread(lambda: [begun.acquire(timeout=10) for _ in range(2)])
            with pytest.raises(TimeoutError):
                await quick(0.2)  # all six threads belong to slow steps
            released.set()
            assert await quick(10) == "quick"
        assert [one.result() for one in several] == ["slow"] * 8
        threads.stop()

    asyncio.run(try_it())


def test_who_waits_takes_turns_with_other_owners() -> None:
    async def try_it() -> None:
        threads = SharedThreads(1, most_of_one=1, name="test")
        order: list[str] = []
        first, go_on = threading.Event(), threading.Event()

        def hold() -> None:
            first.set()
            go_on.wait(30)

        async with asyncio.TaskGroup() as group:
            group.create_task(threads.run(hold, owner="holder", within_seconds=30))
            await asyncio.to_thread(first.wait, 10)
            for owner in ("a", "a", "a", "b", "c"):
                group.create_task(threads.run(lambda one=owner: order.append(one), owner=owner, within_seconds=30))
            await asyncio.sleep(0)
            go_on.set()
        assert order == ["a", "b", "c", "a", "a"]
        threads.stop()

    asyncio.run(try_it())


def test_reading_that_takes_too_long_is_answered_with_not_now(released: threading.Event) -> None:
    async def try_it(intake: Intake) -> None:
        with pytest.raises(errors.NotNowError, match="takes too long"):
            await intake.read(lambda: released.wait(30), owner="a")

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
    body = Body(memory, owner="a", at_most=1_000)
    body.add(b"x" * 400)
    body.forget()
    with pytest.raises(errors.NotNowError):
        body.add(b"x")
    memory.take(500, owner="a")


def test_a_body_that_is_read_for_longer_than_its_request_waits_takes_up_memory_until_it_is_read() -> None:
    memory = Memory(at_most=1_000)
    body = Body(memory, owner="a", at_most=1_000)
    body.add(b"x" * 400)
    with body.being_read():
        body.forget()
        with pytest.raises(errors.NotNowError):
            memory.take(500, owner="a")
    memory.take(500, owner="a")


def test_slow_redactions_of_several_tenants_texts_hold_up_no_other_tenant(
    shared_engine: Engine, tmp_path_factory: pytest.TempPathFactory, tmp_path: Path
) -> None:
    url = address_of(shared_engine)
    slow, quick = [tenant_in(shared_engine) for _ in range(3)], tenant_in(shared_engine)
    with (
        serving(url, None, tmp_path_factory.mktemp("slow"), redact="tests.console.server.hiding:hide") as server,
        ExitStack() as callers,
        caller(server, quick.token) as other,
        ThreadPoolExecutor(12) as pool,
    ):
        text = {"messages": f"wait in {tmp_path}"}
        ones = [callers.enter_context(caller(server, tenant.token)) for tenant in slow]
        waiting = [pool.submit(one.post, text) for one in ones for _ in range(4)]
        wait_until(lambda: len(list(tmp_path.glob("begun-*"))) == 6, what="two redactions of each that have begun")
        for _ in range(20):
            assert other.client.post("/v1/generations", json=said(), headers=other.headers, timeout=5).is_success
        assert len(list(tmp_path.glob("begun-*"))) == 6
        (tmp_path / "go on").touch()
        assert [done.result(20).json()["recorded"] for done in waiting] == [1] * 12
