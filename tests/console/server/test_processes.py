"""`aftertag serve --processes`: several take requests at one port, and whatever ends, the port is served or free."""

import re
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx
import psutil
import pytest
from sqlalchemy import Engine

from console.server import recorders
from tests.console.machine import Machine
from tests.console.server.conftest import tenant_in
from tests.console.server.serving import Server, address_of, caller, said, serving
from tests.waiting import wait_until
from tests.worker.line_stage import rows

ANSWERED = re.compile(r'aftertag_http_requests_total\{route="/healthz",status="200"\} (\d+)')


def members(server: Server) -> list[psutil.Process]:
    """The processes that serve, without their parent."""
    found = []
    for child in psutil.Process(server.child.pid).children():
        with suppress(psutil.NoSuchProcess):  # it ended between our two looks
            if any("spawn_main" in argument for argument in child.cmdline()):
                found.append(child)
    return found


@contextmanager
def two(engine: Engine, folder: Path, **settings: str) -> Iterator[Server]:
    with serving(address_of(engine), None, folder, http_processes="2", **settings) as server:
        assert len(members(server)) == 2
        yield server


def ports_in_a_row() -> int:
    """The first of two ports that are free, as far as can be told."""
    for _ in range(50):
        with socket.create_server(("127.0.0.1", 0)) as first:
            port: int = first.getsockname()[1]
            try:
                with socket.create_server(("127.0.0.1", port + 1)):
                    return port
            except (OSError, OverflowError):
                continue
    raise AssertionError("no two free ports in a row")


def test_several_processes_take_requests_at_one_port_and_count_them_at_ports_of_their_own(
    shared_engine: Engine, folder: Path
) -> None:
    port = ports_in_a_row()

    def counted(place: int) -> int:
        httpx.get(f"{server.url}/healthz", trust_env=False)  # a connection of its own
        found = ANSWERED.search(httpx.get(f"http://127.0.0.1:{port + place}/metrics", trust_env=False).text)
        return int(found[1]) if found else 0

    tenant = tenant_in(shared_engine)
    with two(shared_engine, folder, metrics_port=str(port)) as server:
        for place in range(2):
            wait_until(lambda place=place: counted(place) > 0, what=f"a request at process {place}")
        for number in range(4):
            with caller(server, tenant.token) as shop:
                assert shop.post(said(id=str(number))).json()["recorded"] == 1
    query = "select count(*) from generations where workspace = :workspace"
    assert rows(shared_engine, query, workspace=tenant.workspace) == [4]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_all_end_in_order_when_the_parent_is_told_to(
    shared_engine: Engine, folder: Path, number: signal.Signals
) -> None:
    with two(shared_engine, folder) as server:
        both = members(server)
        server.child.send_signal(number)
        assert server.child.wait(30) == 0
        assert not any(map(psutil.Process.is_running, both))
        assert server.log.count("stopping: no new requests") == 2
        assert "Traceback" not in server.log


def test_another_takes_the_place_of_one_that_was_killed(shared_engine: Engine, folder: Path) -> None:
    tenant = tenant_in(shared_engine)
    with two(shared_engine, folder) as server:
        killed, other = members(server)
        killed.kill()
        wait_until(lambda: len(set(members(server)) - {killed, other}) == 1, what="another process")
        assert "a server process ended by itself; another takes its place" in server.log
        with caller(server, tenant.token) as shop:
            assert shop.post(said(id="1")).json()["recorded"] == 1
        server.ask_to_end()
        assert server.child.wait(30) == 0


def test_none_is_left_when_the_parent_was_killed(shared_engine: Engine, folder: Path) -> None:
    with two(shared_engine, folder) as server:
        both = members(server)
        server.kill()
        _, alive = psutil.wait_procs(both, timeout=30)
        assert not alive
        with socket.create_server(("127.0.0.1", int(server.url.rsplit(":", 1)[1]))):
            pass  # its port is free


def test_when_one_cannot_start_none_is_left_and_a_sentence_says_why(shared_engine: Engine, folder: Path) -> None:
    port = ports_in_a_row()
    settings = {"AFTERTAG_DATABASE_URL": address_of(shared_engine), "AFTERTAG_METRICS_PORT": str(port)}
    machine = Machine(folder=folder, settings=settings)
    with (
        socket.create_server(("127.0.0.1", port + 1)),
        machine.running("serve", "--port", "0", "--processes", "2") as started,
    ):
        assert started.ended() == 1
    told = started.stderr.read_text()
    assert f"AFTERTAG_METRICS_PORT is {port + 1}, which cannot be served" in told
    assert told.splitlines()[-1] == "A server process ended before it was ready; it says above why."
    assert "aftertag serve ready." not in told
    assert "Traceback" not in told


def test_metrics_have_a_port_for_every_process_or_none_starts(shared_engine: Engine, folder: Path) -> None:
    settings = {"AFTERTAG_DATABASE_URL": address_of(shared_engine), "AFTERTAG_METRICS_PORT": "65535"}
    with Machine(folder=folder, settings=settings).running("serve", "--port", "0", "--processes", "2") as started:
        assert started.ended() == 1
    assert "the metrics of the last of 2 processes would be at 65536, which is no port" in started.stderr.read_text()


def test_all_processes_of_a_server_lock_no_more_ids_than_three_workers_leave_in_postgres() -> None:
    for processes in range(1, 65):
        at_once = recorders.at_once(processes)
        assert recorders.THREADS * processes * at_once <= recorders.LOCKED_AT_MOST
        assert at_once >= recorders.REQUESTS_AT_LEAST
    assert recorders.at_once(1) == recorders.AT_ONCE_AT_MOST
