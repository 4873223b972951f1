"""A server that is away, hangs, or is somebody else: the caller's thread does no I/O, and afterwards all arrives."""

import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

import api_hooks
from api_hooks.forking import PATIENCE_SECONDS
from tests.api_hooks.http_server import free_port, hanging, playing, recorded, tls
from tests.api_hooks.listening import listening_to_this_thread
from tests.waiting import wait_until

ROOT = Path(__file__).parents[2]

pytestmark = pytest.mark.usefixtures("closes_the_hook")


def test_listening_hears_io() -> None:
    with listening_to_this_thread() as heard, pytest.raises(OSError, match="refused"):
        __import__("socket").create_connection(("127.0.0.1", free_port()))
    assert {"socket.getaddrinfo", "socket.connect"} <= set(heard)


def test_while_the_server_is_away_callers_do_no_io_and_afterwards_all_arrives_and_the_breaker_closes() -> None:
    port = free_port()
    api_hooks.configure(url=f"http://127.0.0.1:{port}", flush_seconds=0.01)
    api_hooks.enqueue("0")
    wait_until(lambda: api_hooks.stats().is_failing)
    with listening_to_this_thread() as heard:
        accepted = [api_hooks.enqueue(str(number)) for number in range(1, 2_000)]
    assert heard == []
    assert all(accepted)
    with playing(port=port) as server:
        wait_until(lambda: api_hooks.stats().sent == 2_000)
    assert server.texts == [str(number) for number in range(2_000)]
    stats = api_hooks.stats()
    assert (stats.waiting, stats.dropped, stats.is_failing) == (0, {}, False)


def test_while_the_server_hangs_callers_do_no_io_and_afterwards_all_arrives() -> None:
    with playing(hanging, recorded) as server:
        api_hooks.configure(url=server.url, flush_seconds=0.01, socket_timeout_seconds=30)
        api_hooks.enqueue("0")
        wait_until(lambda: len(server.requests) == 1)
        with listening_to_this_thread() as heard:
            assert all(api_hooks.enqueue(str(number)) for number in range(1, 500))
        assert heard == []
        assert not api_hooks.stats().is_failing
        server.may_go_on.set()
        wait_until(lambda: api_hooks.stats().sent == 500)
    assert server.texts == [str(number) for number in range(500)]


def test_a_hung_server_holds_up_neither_a_fork_nor_the_interpreters_end() -> None:
    program = """
        import atexit, os, sys, time, api_hooks
        atexit.register(lambda: print(time.perf_counter() - ending))   # runs after the hook's
        api_hooks.configure(url=sys.argv[1], exit_seconds=0.5, flush_seconds=0.01, socket_timeout_seconds=60)
        api_hooks.enqueue("never answered")
        sys.stdin.readline()
        before = time.perf_counter()
        child = os.fork()
        if child == 0:
            os._exit(0)
        assert os.waitpid(child, 0)[1] == 0
        print(time.perf_counter() - before)
        ending = time.perf_counter()
    """
    with playing(hanging) as server:
        ends = subprocess.Popen(
            [sys.executable, "-c", textwrap.dedent(program), server.url],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        wait_until(lambda: server.requests)
        said, complained = ends.communicate("it hangs\n", timeout=60)
    forking, ending = map(float, said.split())
    assert forking < PATIENCE_SECONDS, "it waited for the sending thread"
    assert 0.4 < ending < 15
    assert "1 generations were not sent" in complained


def test_after_a_fork_parent_and_child_send_their_own_over_connections_of_their_own() -> None:
    with playing() as server:
        subprocess.run(
            [
                sys.executable,
                "-c",
                textwrap.dedent("""
                    import os, sys, api_hooks
                    api_hooks.configure(url=sys.argv[1], flush_seconds=30)
                    api_hooks.enqueue("parent, before")
                    assert api_hooks.flush(30)
                    child = os.fork()
                    if child == 0:
                        api_hooks.enqueue("child")
                        os._exit(0 if api_hooks.flush(30) else 1)
                    assert os.waitpid(child, 0)[1] == 0
                    api_hooks.enqueue("parent, after")
                """),
                server.url,
            ],
            cwd=ROOT,
            timeout=60,
            check=True,
        )
    assert server.texts == ["parent, before", "child", "parent, after"]
    first, of_the_child, last = (request.port for request in server.requests)
    assert first == last != of_the_child


def test_https_is_spoken_with_a_server_whose_certificate_is_vouched_for(
    certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    with playing(tls=tls(certificate)) as server:
        api_hooks.configure(url=server.url, key="k", flush_seconds=0.01)
        for text in ("first", "second"):
            api_hooks.enqueue(text)
            assert api_hooks.flush(30)
    assert server.texts == ["first", "second"]
    assert len({request.port for request in server.requests}) == 1


def test_a_server_whose_certificate_nobody_vouches_for_gets_neither_key_nor_text(
    certificate: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with playing(tls=tls(certificate)) as server:
        api_hooks.configure(url=server.url, key="k", flush_seconds=0.01)
        api_hooks.enqueue("hello")
        wait_until(lambda: "SSLCertVerificationError" in caplog.text)
    assert server.requests == []
    assert api_hooks.stats().waiting == 1
