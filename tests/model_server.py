"""A model server that speaks HTTP for real and plays, by request, whatever model servers do.

What it plays stands in the request, anywhere in the transcript:

    play: 429                   for ever
    play: 500*2                 twice, then a good answer
    play: 429:7*1,half*1,ok     429 with `Retry-After: 7` once, then half an answer once, then good answers
    play-id: xyz                counts the calls of this one under `xyz` (without it: under the play itself)
    play-answer: department=legal    the value a good answer gives (several: department=legal+sales)

`ModelServer` runs it in a thread of its own; `python -m tests.model_server --port 0 --latency 0.3` in a process of its
own, which prints one line of JSON with its port. Plays: see `tests/model_server_plays.py`. A test may also script from
outside: `server.script("xyz", "500*2")`, `server.play_always("503")`. `GET /calls` gives the counts as JSON.

It is a bare asyncio protocol because under a benchmark it shares the machine with what is measured.
"""

import argparse
import asyncio
import json
import re
import sys
import threading
from collections import Counter, deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from types import TracebackType
from typing import Self

from tests import model_server_answers as answers
from tests import model_server_plays as plays

_PLAY = re.compile(rb"play: ([a-z0-9_:.*,-]+)")
_PLAY_ID = re.compile(rb"play-id: ([A-Za-z0-9_.-]+)")
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One request as it came in; header names in lower case."""

    path: str
    headers: dict[str, str]
    body: bytes = field(repr=False)

    def json(self) -> dict[str, object]:
        return dict(json.loads(self.body))


@dataclass(slots=True, kw_only=True)
class Play:
    """How the server behaves, and what it has seen; shared by all connections."""

    latency_seconds: float = 0.0
    hang_share: float = 0.0
    hang_seconds: float = 30.0
    reports_cost: bool = True
    keeps_requests: bool = True
    always: str | None = None
    scripts: dict[str, str] = field(default_factory=dict)
    calls: Counter[str] = field(default_factory=Counter)
    requests: deque[Request] = field(default_factory=lambda: deque(maxlen=2000))
    connections: set[asyncio.Transport] = field(default_factory=set)
    total: int = 0
    is_holding: bool = False
    held: list[Callable[[], None]] = field(default_factory=list)

    def step_of(self, body: bytes) -> str:
        """Return what to play for this request, and count it."""
        self.total += 1
        if self.hang_share and self.total % round(1 / self.hang_share) == 0:
            return "hang"
        found = _PLAY.search(body) if b"play" in body else None
        named = _PLAY_ID.search(body) if b"play-id" in body else None
        if found is None and named is None:
            return self.always or "ok"
        play_id = (named or found)[1].decode()  # type: ignore[index]
        self.calls[play_id] += 1
        script = self.scripts.get(play_id) or (found[1].decode() if found else None) or self.always or "ok"
        return plays.step(script, self.calls[play_id])


class Connection(asyncio.Protocol):
    """One HTTP/1.1 connection, kept alive, one request after the other."""

    def __init__(self, play: Play, loop: asyncio.AbstractEventLoop) -> None:
        self._play = play
        self._loop = loop
        self._received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._play.connections.add(transport)

    def connection_lost(self, exc: Exception | None) -> None:
        self._play.connections.discard(self._transport)

    def data_received(self, data: bytes) -> None:
        self._received = self._received + data if self._received else data
        head_end = self._received.find(b"\r\n\r\n")
        if head_end < 0:
            return
        head = self._received[:head_end]
        length = _LENGTH.search(head)
        end = head_end + 4 + (int(length[1]) if length else 0)
        if len(self._received) < end:
            return
        body, self._received = self._received[head_end + 4 : end], self._received[end:]
        self._answer(head, body)

    def _answer(self, head: bytes, body: bytes) -> None:
        if head.startswith(b"GET "):
            self._transport.write(plays.http(200, json.dumps(self._seen()).encode()))
            return
        if self._play.keeps_requests:
            self._play.requests.append(_request(head, body))
        step = self._play.step_of(body)
        path = head.split(b" ", 2)[1]
        if step == "ok":
            wire = plays.http(200, answers.good(path, body, self._play.reports_cost))
            ends = plays.KEEP
        else:
            wire, ends = plays.wire(step, path, body, reports_cost=self._play.reports_cost)
        seconds = self._play.hang_seconds if ends == plays.HANG else self._play.latency_seconds
        if self._play.is_holding:
            self._play.held.append(partial(self._finish, wire, ends))
        elif seconds:
            self._loop.call_later(seconds, self._finish, wire, ends)
        else:
            self._finish(wire, ends)

    def _finish(self, wire: bytes, ends: str) -> None:
        if self._transport.is_closing():
            return
        if ends == plays.RESET:
            self._transport.abort()
            return
        self._transport.write(wire)
        if ends != plays.KEEP:
            self._transport.close()

    def _seen(self) -> dict[str, object]:
        return {"total": self._play.total, "calls": dict(self._play.calls)}


class ModelServer:
    """The server in a thread and loop of its own: `with ModelServer(latency_seconds=0.1) as server: server.url`."""

    def __init__(
        self,
        *,
        latency_seconds: float = 0.0,
        hang_share: float = 0.0,
        hang_seconds: float = 30.0,
        reports_cost: bool = True,
        port: int = 0,
    ) -> None:
        self.play = Play(
            latency_seconds=latency_seconds,
            hang_share=hang_share,
            hang_seconds=hang_seconds,
            reports_cost=reports_cost,
        )
        self.port = port
        self._loop = asyncio.new_event_loop()
        self._is_up = threading.Event()
        self._thread = threading.Thread(target=self._run, name="model-server", daemon=True)

    @property
    def url(self) -> str:
        """The base address as chat endpoints are given: with the version, without the path."""
        return f"http://127.0.0.1:{self.port}/v1"

    def script(self, play_id: str, script: str) -> None:
        """Play `script` for the requests that carry this play-id."""
        self.play.scripts[play_id] = script

    def play_always(self, step: str | None) -> None:
        """Play `step` for every request that carries no play of its own; None: answer well."""
        self.play.always = step

    @contextmanager
    def holding(self) -> Iterator[None]:
        """Keep every answer back until the block ends: what a latency would only do on a machine that is quick enough."""
        self.play.is_holding = True
        try:
            yield
        finally:
            self.play.is_holding = False
            self._loop.call_soon_threadsafe(self._let_go)

    def calls(self, play_id: str) -> int:
        """Return how many requests carried this play-id."""
        return self.play.calls[play_id]

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._is_up.wait(30), "the model server did not start"
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(30)
        self._loop.close()

    def _let_go(self) -> None:
        held, self.play.held = self.play.held, []
        for finish in held:
            finish()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        server = self._loop.run_until_complete(listen(self.play, self._loop, "127.0.0.1", self.port))
        self.port = server.sockets[0].getsockname()[1]
        self._is_up.set()
        self._loop.run_forever()
        server.close()
        for transport in list(self.play.connections):
            transport.abort()
        self._loop.run_until_complete(server.wait_closed())
        self._loop.run_until_complete(asyncio.sleep(0))  # the aborted connections get to say so


async def listen(play: Play, loop: asyncio.AbstractEventLoop, host: str, port: int) -> asyncio.Server:
    """Return the listening server."""
    return await loop.create_server(lambda: Connection(play, loop), host, port, backlog=1024)


def _request(head: bytes, body: bytes) -> Request:
    request_line, *lines = head.decode("latin-1").split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    return Request(path=request_line.split(" ")[1], headers=headers, body=body)


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.model_server")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--latency", type=float, default=0.0, metavar="SECONDS")
    parser.add_argument("--hang-share", type=float, default=0.0, metavar="0..1", help="this share of calls hangs")
    parser.add_argument("--hang-seconds", type=float, default=30.0)
    parser.add_argument("--no-cost", action="store_true", help="leave usage.cost out")
    parser.add_argument("--play", default=None, help="what to play for requests that carry no play")
    given = parser.parse_args(arguments)
    play = Play(
        latency_seconds=given.latency,
        hang_share=given.hang_share,
        hang_seconds=given.hang_seconds,
        reports_cost=not given.no_cost,
        keeps_requests=False,
        always=given.play,
    )
    asyncio.run(_serve(play, given.host, given.port))


async def _serve(play: Play, host: str, port: int) -> None:
    server = await listen(play, asyncio.get_running_loop(), host, port)
    print(json.dumps({"port": server.sockets[0].getsockname()[1]}), flush=True)  # noqa: T201
    await server.serve_forever()


if __name__ == "__main__":
    main(sys.argv[1:])
