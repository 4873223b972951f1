"""Limits: size before and after unpacking, time, memory of all bodies together, rate per key; each with its own answer."""

import asyncio
import gzip
import json
import select
import tracemalloc
import urllib.error
import urllib.request
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine

from console.server import bodies, errors, punctual
from console.server.rates import Rates
from console.server.receiving import Memory, Receiver
from tests.console.server.conftest import Tenant, tenant_in
from tests.console.server.serving import Caller, Server, address_of, caller, said, serving
from tests.console.server.test_bodies import refused
from tests.console.server.test_faults import connected, head

BODY_BYTES = 100_000


@pytest.fixture(scope="module")
def strict(shared_engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server with small limits."""
    url = address_of(shared_engine)
    limits = {"http_body_bytes": str(BODY_BYTES), "http_generations": "10", "http_generations_per_minute": "30"}
    with serving(url, None, tmp_path_factory.mktemp("strict"), **limits) as made:
        yield made


@pytest.fixture
def hasty(strict: Server, tenant: Tenant) -> Iterator[Caller]:
    with caller(strict, tenant.token) as made:
        yield made


def test_a_body_over_the_limit_is_refused_announced_or_not_packed_or_not(hasty: Caller) -> None:
    over = json.dumps(said("x" * BODY_BYTES)).encode()
    told = f"The body is over {BODY_BYTES:,} bytes (AFTERTAG_HTTP_BODY_BYTES); send smaller batches."
    assert refused(hasty.post(over), 413, "too_large") == told
    assert refused(hasty.zipped(over), 413, "too_large") == told

    def chunks() -> Iterator[bytes]:
        for start in range(0, len(over), 10_000):
            yield over[start : start + 10_000]

    answer = hasty.client.post("/v1/generations", content=chunks(), headers=hasty.headers)
    assert refused(answer, 413, "too_large") == told
    assert hasty.post(json.dumps(said("x" * (BODY_BYTES - 200))).encode()).status_code == 200


@pytest.mark.parametrize("megabytes", [21, 100])
@pytest.mark.parametrize("has_key", [True, False])
def test_who_sends_all_of_a_body_before_looking_hears_why_it_is_refused(
    server: Server, tenant: Tenant, megabytes: int, has_key: bool
) -> None:
    body = bytes(megabytes * 1_000_000)
    headers = {"Authorization": f"Bearer {tenant.token}"} if has_key else {}
    request = urllib.request.Request(f"{server.url}/v1/generations", data=body, headers=headers)  # noqa: S310 - http
    with pytest.raises(urllib.error.HTTPError) as raised:
        urllib.request.urlopen(request, timeout=20)  # noqa: S310 - http
    with raised.value as answer:
        assert (answer.code, json.load(answer)["error"]["code"]) == (
            (413, "too_large") if has_key else (401, "unauthorized")
        )


def test_a_refused_body_without_end_is_not_read_for_ever() -> None:
    async def try_it() -> None:
        read = 0

        async def without_end() -> AsyncIterator[bytes]:
            nonlocal read
            while True:
                read += 100
                yield b"x" * 100

        async def never() -> AsyncIterator[bytes]:
            await asyncio.Event().wait()
            yield b""

        receiver = Receiver(at_most=1_000, seconds=0.05)
        await receiver.pass_over(without_end(), announced=None)
        assert read == 10_100
        await receiver.pass_over(without_end(), announced="10001")
        assert read == 10_100
        await receiver.pass_over(never(), announced="100")

    asyncio.run(try_it())


def test_who_asks_before_sending_is_refused_without_sending(strict: Server, tenant: Tenant) -> None:
    with connected(strict) as line:
        line.sendall(head(tenant, 2 * BODY_BYTES).replace(b"\r\n\r\n", b"\r\nExpect: 100-continue\r\n\r\n"))
        line.settimeout(30)
        assert line.recv(12) == b"HTTP/1.1 413"


def test_a_zip_bomb_is_never_unpacked_whole(hasty: Caller) -> None:
    bomb = gzip.compress(b" " * 90_000_000)
    assert len(bomb) < BODY_BYTES
    refused(hasty.post(bomb, content_encoding="gzip"), 413, "too_large")
    tracemalloc.start()
    try:
        with pytest.raises(errors.TooLargeError):
            bodies.unpacked(bomb, "gzip", at_most=BODY_BYTES)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 10 * BODY_BYTES


def test_a_key_over_its_rate_hears_when_to_come_back_and_another_key_does_not(
    strict: Server, hasty: Caller, shared_engine: Engine
) -> None:
    accepted = 0
    while (answer := hasty.post([said()] * 10)).status_code == 200:  # each costs 20 s
        accepted += 1
    assert accepted >= 3
    assert "30 generations a minute" in refused(answer, 429, "too_many")
    assert 1 <= int(answer.headers["retry-after"]) <= 20
    with caller(strict, tenant_in(shared_engine).token) as other:
        assert other.post(said()).status_code == 200


def test_a_key_pays_for_what_came_in_with_its_last_request_before_the_next() -> None:
    now = [100.0]
    rates = Rates(per_minute=60, clock=lambda: now[0])
    rates.enter("key")
    rates.count("key", 89)
    with pytest.raises(errors.TooManyError) as raised:
        rates.enter("key")
    assert raised.value.retry_after_seconds == 31
    now[0] += 31
    rates.enter("key")
    rates.enter("other")
    without_end = Rates(per_minute=0)
    for _ in range(1_000):
        without_end.enter("key")


def test_all_bodies_together_have_their_limit_and_give_it_back() -> None:
    async def try_it() -> None:
        receiver = Receiver(at_most=1_000)

        async def body() -> AsyncIterator[bytes]:
            yield b"x" * 1_000

        async with asyncio.TaskGroup() as group:
            arrived, leave = asyncio.Semaphore(0), asyncio.Event()

            async def hold(owner: str) -> None:
                async with receiver.received(body(), owner=owner, announced=None):
                    arrived.release()
                    await leave.wait()

            for owner in ("a", "b", "c", "d"):
                group.create_task(hold(owner))
            for _ in range(4):
                await arrived.acquire()
            with pytest.raises(errors.NotNowError):
                async with receiver.received(body(), owner="e", announced=None):
                    pytest.fail("there was no room")
            leave.set()
        async with receiver.received(body(), owner="e", announced="1000") as one:
            assert len(one.unpacked(None)) == 1_000

    asyncio.run(try_it())


def test_what_a_body_unpacks_to_counts_too() -> None:
    memory = Memory(at_most=3_000)
    memory.take(1_000, owner="a")
    with pytest.raises(errors.NotNowError):
        memory.take(501, owner="a")
    memory.take(500, owner="a")
    memory.give_back(1_500, owner="a")
    memory.take(1_500, owner="b")


def test_of_the_memory_for_bodies_nobody_takes_more_than_is_left_to_others() -> None:
    memory = Memory(at_most=1_000)
    for owner, share in (("a", 500), ("b", 250), ("c", 125)):
        memory.take(share, owner=owner)
        with pytest.raises(errors.NotNowError):
            memory.take(1, owner=owner)


def test_a_body_that_does_not_come_is_not_waited_for() -> None:
    async def try_it() -> None:
        async def never() -> AsyncIterator[bytes]:
            yield b"{"
            await asyncio.Event().wait()

        with pytest.raises(errors.TooLateError):
            async with Receiver(at_most=1_000, seconds=0.05).received(never(), owner="a", announced="10"):
                pytest.fail("there was no body")

    asyncio.run(try_it())


def test_callers_that_are_slow_hold_up_nobody(server: Server, tenant: Tenant, shop: Caller) -> None:
    slow = [connected(server) for _ in range(200)]
    try:
        for place, line in enumerate(slow):
            line.sendall(head(tenant, 1_000) + b'{"messages"' if place % 2 else b"POST /v1/gen")
        for _ in range(20):
            assert shop.post(said()).status_code == 200
        ended, _, _ = select.select(slow, [], [], 0)
        assert ended == [], "they were waited for until their time was up"
    finally:
        for line in slow:
            line.close()


def test_a_head_that_does_not_come_ends_its_connection_and_a_body_has_its_own_time(
    shared_engine: Engine, folder: Path
) -> None:
    url = address_of(shared_engine)
    tenant = tenant_in(shared_engine)
    with serving(url, None, folder) as server, connected(server) as half, connected(server) as whole:
        half.sendall(b"POST /v1/gen")
        whole.sendall(head(tenant, 2) + b"{")
        half.settimeout(punctual.HEAD_SECONDS + 10)
        assert half.recv(10) == b""
        whole.sendall(b"}")
        whole.settimeout(10)
        assert whole.recv(12) == b"HTTP/1.1 422"
