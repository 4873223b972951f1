"""An HTTP server that takes batches and plays, for one request after the other, whatever servers and networks do."""

import json
import socket
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One request as it came in; header names in lower case."""

    path: str
    headers: Mapping[str, str]
    body: bytes = field(repr=False)
    port: int
    """The client's: the same for requests on one connection."""

    @property
    def batch(self) -> dict[str, Any]:
        return dict(json.loads(self.body))


Play = Callable[["Handler", Request], None]


class Handler(BaseHTTPRequestHandler):
    """Plays the next of the server's plays, the last one for ever."""

    protocol_version = "HTTP/1.1"
    server: "PlayedServer"

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        headers = {name.lower(): value for name, value in self.headers.items()}
        request = Request(path=self.path, headers=headers, body=body, port=self.client_address[1])
        self.server.next_play(request)(self, request)

    def answer(self, status: int, body: bytes = b"{}", **headers: str) -> None:
        self.send_response(status)
        for name, value in {"Content_Length": str(len(body)), **headers}.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Nothing on the terminal."""


class PlayedServer(ThreadingHTTPServer):
    """`requests` are those that came; those answered with `recorded` are in `taken`, too."""

    daemon_threads = True

    def __init__(self, port: int = 0, *, tls: ssl.SSLContext | None = None) -> None:
        super().__init__(("127.0.0.1", port), Handler)
        if tls is not None:
            self.socket = tls.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)
        self.scheme = "http" if tls is None else "https"
        self.port = self.server_address[1]
        self.url = f"{self.scheme}://127.0.0.1:{self.port}"
        self.requests: list[Request] = []
        self.taken: list[Request] = []
        self.plays: list[Play] = [recorded]
        self.may_go_on = threading.Event()

    def next_play(self, request: Request) -> Play:
        self.requests.append(request)
        return self.plays.pop(0) if len(self.plays) > 1 else self.plays[0]

    @property
    def generations(self) -> list[dict[str, Any]]:
        return [generation for request in self.taken for generation in request.batch["generations"]]

    @property
    def texts(self) -> list[str]:
        return [generation["turns"][0][1] for generation in self.generations]

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is a part of the play."""


def recorded(handler: Handler, request: Request) -> None:
    """Take all of it."""
    handler.server.taken.append(request)
    results = [{"id": one["id"], "status": "recorded"} for one in request.batch["generations"]]
    handler.answer(200, json.dumps({"results": results}).encode())


def rejecting(*ids: str) -> Play:
    """Take all but these."""

    def play(handler: Handler, request: Request) -> None:
        handler.server.taken.append(request)
        results = [
            {"id": one["id"], "status": "rejected", "reason": "no"} if one["id"] in ids else {"status": "recorded"}
            for one in request.batch["generations"]
        ]
        handler.answer(200, json.dumps({"results": results}).encode())

    return play


def taking_at_most(count: int) -> Play:
    """Take batches of no more generations and feedback than this."""

    def play(handler: Handler, request: Request) -> None:
        if len(request.batch["generations"]) + len(request.batch.get("feedback", ())) > count:
            handler.answer(413)
        else:
            recorded(handler, request)

    return play


def taking_with(body: bytes, **headers: str) -> Play:
    """Take all of it, and answer this."""

    def play(handler: Handler, request: Request) -> None:
        handler.server.taken.append(request)
        handler.answer(200, body, **headers)

    return play


def status(code: int, body: bytes = b"{}", **headers: str) -> Play:
    return lambda handler, _: handler.answer(code, body, **headers)


def hanging(handler: Handler, _: Request) -> None:
    """Say nothing, until the test lets it go on, and then nothing either."""
    handler.server.may_go_on.wait(30)
    handler.close_connection = True


def trickling(handler: Handler, _: Request) -> None:
    """Answer a byte at a time, each well within any timeout, and never come to an end."""
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
    while not handler.server.may_go_on.wait(0.02):
        handler.wfile.write(b".")


def breaking_off(handler: Handler, _: Request) -> None:
    """End the connection before the answer has said anything."""
    handler.wfile.write(b"HTTP/1.1 ")
    handler.close_connection = True


def recorded_and_gone(handler: Handler, request: Request) -> None:
    """Take all of it, and end the connection afterwards without a word about it."""
    recorded(handler, request)
    handler.close_connection = True


def not_http(handler: Handler, _: Request) -> None:
    handler.wfile.write(b"+PONG\r\n")
    handler.close_connection = True


@contextmanager
def playing(*plays: Play, port: int = 0, tls: ssl.SSLContext | None = None) -> Iterator[PlayedServer]:
    """A server that is gone afterwards. Without plays it records whatever comes."""
    server = PlayedServer(port, tls=tls)
    server.plays = list(plays) or [recorded]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.may_go_on.set()
        server.shutdown()
        server.server_close()
        thread.join(30)


def tls(certificate: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, certificate.with_name("key.pem"))
    return context


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as found:
        return int(found.getsockname()[1])
