"""Several server processes at one socket: a parent starts them, replaces who ends by itself, and ends them all.

uvicorn's own supervisor was left out: it starts an application by its import path, and none of ours with its house.
"""

import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess

import structlog

from console import errors, output
from worker.errors import ProcessEndedError

Serve = Callable[[int, Callable[[], None]], None]
"""Serves as the process of that place, from 0, until TERM, and calls what it is given once it takes requests.

It goes to another interpreter: a function of a module, or a `partial` of one.
"""

AGAIN_SECONDS = 1.0
"""Before another takes the place of one that ended."""

_spawning = multiprocessing.get_context("spawn")  # a fork would hand on locks that nobody there gives back
log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Server:
    process: SpawnProcess
    told: Connection
    """Where it says that it is ready, and where its end is seen."""


def run(serve: Serve, *, count: int, ready: Callable[[], None]) -> None:
    """Keep `count` processes serving until TERM or Ctrl-C, and call `ready` when the first ones all are.

    Raise ProcessEndedError when one of those ends before, and when one does not end in order.
    """
    asked_to_end, ask = _spawning.Pipe(duplex=False)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ask.send_bytes(b"end"))
    servers: list[_Server] = []
    try:
        for place in range(count):
            servers.append(_start(serve, place))
        if _are_ready(servers, unless=asked_to_end):
            ready()
            _replace_who_ends(servers, serve, until=asked_to_end)
    finally:
        codes = _end(servers)
    if any(code not in (0, -signal.SIGTERM) for code in codes):  # by the signal ends who is still starting
        raise ProcessEndedError(f"A server process did not end in order (exit codes {codes}).")


def _start(serve: Serve, place: int) -> _Server:
    told, tell = _spawning.Pipe(duplex=False)
    process = _spawning.Process(target=_serve, args=(serve, place, tell), name=f"server {place}")
    process.start()
    tell.close()  # else nobody would see that it ended
    return _Server(process=process, told=told)


def _are_ready(servers: list[_Server], *, unless: Connection) -> bool:
    waited_for = {one.told: one for one in servers}
    while waited_for:
        for found in wait([unless, *waited_for]):
            if found is unless:
                return False
            del waited_for[found]  # type: ignore[arg-type]
            try:
                found.recv_bytes()  # type: ignore[union-attr]
            except EOFError:
                raise ProcessEndedError("A server process ended before it was ready; it says above why.") from None
    return True


def _replace_who_ends(servers: list[_Server], serve: Serve, *, until: Connection) -> None:
    while until not in wait([until, *(one.process.sentinel for one in servers)]):
        for place, one in enumerate(servers):
            if one.process.is_alive():
                continue
            code = one.process.exitcode
            log.error("a server process ended by itself; another takes its place", process=place, exit_code=code)
            if until.poll(AGAIN_SECONDS):
                return
            one.told.close()
            servers[place] = _start(serve, place)


def _end(servers: list[_Server]) -> list[int | None]:
    for one in servers:
        one.process.terminate()
    for one in servers:
        one.process.join()  # each ends by itself soon after AFTERTAG_DRAIN_SECONDS, whatever it hangs in
    return [one.process.exitcode for one in servers]


def _serve(serve: Serve, place: int, tell: Connection) -> None:
    """The whole life of a process; what goes wrong is told as the command line tells it."""
    threading.Thread(target=_end_with_parent, name="end with parent", daemon=True).start()
    try:
        serve(place, lambda: tell.send_bytes(b"ready"))
    except Exception as error:
        sentence = errors.sentence_for(error)
        if sentence is None:
            raise
        output.problem(sentence)
        sys.exit(1)


def _end_with_parent() -> None:
    """Ask this process to end when its parent was killed: nobody else would."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os.kill(os.getpid(), signal.SIGTERM)
