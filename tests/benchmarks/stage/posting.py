"""Clients that cost the machine little: each keeps one connection, and sends its next request when it has its answer."""

import asyncio
import time
from collections.abc import Sequence
from urllib.parse import urlsplit


async def _post(address: tuple[str, int], bodies: list[bytes], token: str, answers: list[bytes]) -> None:
    reading, writing = await asyncio.open_connection(*address)
    head = (
        f"POST /v1/generations HTTP/1.1\r\nHost: {address[0]}\r\nContent-Type: application/json\r\n"
        f"Authorization: Bearer {token}\r\nContent-Length: "
    ).encode()
    while bodies:
        body = bodies.pop()
        writing.write(b"%s%d\r\n\r\n%s" % (head, len(body), body))
        answer = await reading.readuntil(b"\r\n\r\n")
        assert answer.startswith(b"HTTP/1.1 200 "), answer
        length = int(answer.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
        answers.append(await reading.readexactly(length))
    writing.close()
    await writing.wait_closed()


def post(url: str, token: str, bodies: Sequence[bytes], *, clients: int) -> tuple[float, list[bytes]]:
    """Send every body once, over `clients` connections at a time; return the seconds it took, and the answers."""
    found = urlsplit(url)
    assert found.hostname is not None
    assert found.port is not None
    address, left, answers = (found.hostname, found.port), list(bodies), list[bytes]()

    async def run() -> float:
        begun = time.perf_counter()
        async with asyncio.TaskGroup() as group:
            for _ in range(clients):
                group.create_task(_post(address, left, token, answers))
        return time.perf_counter() - begun

    return asyncio.run(run()), answers
