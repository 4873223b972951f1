"""An https:// server behind the proxy that the environment names, and those that are reached without it."""

import socket
import threading
from base64 import b64encode
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

import api_hooks
from api_hooks import proxies
from api_hooks.proxies import Proxy
from tests.api_hooks.http_server import free_port, playing, tls
from tests.waiting import wait_until

pytestmark = pytest.mark.usefixtures("closes_the_hook")


@pytest.fixture(autouse=True)
def nothing_else_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


class Tunnels:
    """A proxy that lets everything through; `asked` are the heads of what it was asked for."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port = self._listening.getsockname()[1]

    def serve(self) -> None:
        with ThreadPoolExecutor(8) as pool, self._listening, suppress(OSError):
            while True:
                pool.submit(self._serve_one, pool, self._listening.accept()[0])

    def end(self) -> None:
        self._listening.shutdown(socket.SHUT_RDWR)

    def _serve_one(self, pool: ThreadPoolExecutor, caller: socket.socket) -> None:
        with caller:
            head = b""
            while not head.endswith(b"\r\n\r\n"):
                head += caller.recv(1)
            self.asked.append(head.decode())
            host, _, port = head.split()[1].decode().rpartition(":")
            with socket.create_connection((host, int(port))) as there:
                caller.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
                back = pool.submit(_pass_on, there, caller)
                _pass_on(caller, there)
                back.result()


def _pass_on(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65_536):
            target.sendall(data)
    with suppress(OSError):
        target.shutdown(socket.SHUT_WR)


@contextmanager
def tunnels() -> Iterator[Tunnels]:
    made = Tunnels()
    serving = threading.Thread(target=made.serve)
    serving.start()
    try:
        yield made
    finally:
        api_hooks.close(0.0)  # which ends its tunnel
        made.end()
        serving.join(30)


def test_an_https_server_is_reached_through_the_proxy_over_one_tunnel_and_the_proxy_sees_no_key(
    certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    with tunnels() as proxy, playing(tls=tls(certificate)) as server:
        monkeypatch.setenv("HTTPS_PROXY", f"http://me:a%40b@127.0.0.1:{proxy.port}")
        api_hooks.configure(url=server.url, key="at_key", flush_seconds=0.01)
        for text in ("first", "second"):
            api_hooks.enqueue(text)
            assert api_hooks.flush(30)
        assert server.texts == ["first", "second"]
    [asked] = proxy.asked
    assert asked.startswith(f"CONNECT 127.0.0.1:{server.port} ")
    assert f"Proxy-Authorization: Basic {b64encode(b'me:a@b').decode()}\r\n" in asked
    assert "at_key" not in asked
    assert {request.headers["authorization"] for request in server.requests} == {"Bearer at_key"}
    assert not any("proxy-authorization" in request.headers for request in server.requests)


def test_a_proxy_that_is_away_is_named_in_the_log_without_its_password(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    port = free_port()
    monkeypatch.setenv("https_proxy", f"http://me:SENTINEL@127.0.0.1:{port}")
    api_hooks.configure(url="https://aftertag.example", key="k", flush_seconds=0.01)
    api_hooks.enqueue("hello")
    told = f"ConnectionRefusedError at 127.0.0.1:{port} (nothing listens there), the proxy in HTTPS_PROXY"
    wait_until(lambda: told in caplog.text)
    assert "SENTINEL" not in caplog.text


def test_a_plain_server_is_reached_without_it(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    with playing() as server:
        api_hooks.configure(url=server.url, flush_seconds=0.01)
        api_hooks.enqueue("hello")
        assert api_hooks.flush(30)
    assert server.texts == ["hello"]


@pytest.mark.parametrize(
    ("environ", "found"),
    [
        ({}, None),
        ({"HTTPS_PROXY": "http://proxy.example:3128"}, Proxy(host="proxy.example", port=3128)),
        ({"HTTPS_PROXY": "proxy.example:3128"}, Proxy(host="proxy.example", port=3128)),
        ({"ALL_PROXY": "http://proxy.example"}, Proxy(host="proxy.example", port=8080)),
        ({"HTTP_PROXY": "http://proxy.example"}, None),
        ({"HTTPS_PROXY": "http://proxy.example", "NO_PROXY": "example.com,.aftertag.example"}, None),
        ({"HTTPS_PROXY": "http://proxy.example", "NO_PROXY": "*"}, None),
        ({"HTTPS_PROXY": "http://proxy.example", "NO_PROXY": "other.example"}, Proxy(host="proxy.example", port=8080)),
        ({"HTTPS_PROXY": "socks5://proxy.example"}, None),
        ({"HTTPS_PROXY": "http://proxy.example:port"}, None),
        ({"HTTPS_PROXY": "http://["}, None),
        ({"HTTPS_PROXY": "http://"}, None),
    ],
)
def test_which_proxy_is_on_the_way(
    environ: dict[str, str], found: Proxy | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    assert proxies.proxy_for("in.aftertag.example", 443) == found
