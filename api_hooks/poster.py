"""Post a batch to a server, as JSON over HTTP. The only module of the hook that knows HTTP.

It is imported on the sending thread, when the first batch is sent. The server's certificate is verified, redirects are
not followed: they would carry the key elsewhere. Nothing that a server answers is shown but its status.
"""

import email.utils
import encodings.idna  # noqa: F401 - looking up a host would import it later, where a fork may come in between
import io
import json
import socket
import ssl
import time
from collections.abc import Callable
from functools import partial
from http.client import HTTPS_PORT, HTTPConnection, HTTPResponse, HTTPSConnection
from importlib import metadata
from typing import Any
from urllib.parse import urlsplit

from api_hooks import forking
from api_hooks.errors import RefusedError, SendError, TooLargeError
from api_hooks.proxies import Proxy, proxy_for
from api_hooks.unreached import words_for

PATH = "/v1/generations"
LONGEST_WAIT_SECONDS = 60.0
ANSWER_BYTES = 1_000_000

_REFUSES_THE_KEY = (401, 403)
_NOT_THERE = (404, 405, 410)
_TOO_LARGE = 413
_TRY_AGAIN = (408, 425, 429)


class HttpPoster:
    """Sends batches to a server, over a connection that is kept; used by one thread, inside `forking.work`."""

    def __init__(self, *, url: str, key: str | None, socket_timeout_seconds: float) -> None:
        parts = urlsplit(url)
        self._url = url
        self._refusal = "the server wants a key" if key is None else "the server refuses the key"
        self._path = parts.path.rstrip("/") + PATH
        self._socket_timeout_seconds = socket_timeout_seconds
        host, port = parts.hostname or "", parts.port
        proxy = proxy_for(host, port or HTTPS_PORT) if parts.scheme == "https" else None
        self._proxy = proxy
        self._connection = _connection(parts.scheme, host, port, proxy)
        self._headers = {
            "Content-Type": "application/json",
            "Accept": "application/json",
            "User-Agent": f"aftertag-hook/{_version()}",
            **({} if key is None else {"Authorization": f"Bearer {key}"}),
        }

    def send(self, batch: bytes) -> int:
        """Send a batch, JSON in UTF-8; return how many generations, and feedback, of it the server rejected.

        Raise RefusedError when the server will never take it, TooLargeError when it would take less at once, SendError
        when it does not take it now. A SendError does not mean that nothing was recorded; sent again, it is recorded once.
        """
        try:
            with forking.work.interrupted():  # a server may take its time, and all this is the standard library's
                status, wait, answer = self._asked(batch)
        except Exception as error:
            self.close()
            raise SendError(self._words_for(error)) from error
        if 200 <= status < 300:
            return _rejected(answer)
        raise _problem(status, refusal=self._refusal, wait_seconds=seconds(wait))

    def close(self) -> None:
        """Let go of the connection; the next batch makes another."""
        self._connection.close()

    def _words_for(self, error: Exception) -> str:
        """Behind a proxy it is the one who did not answer, or refused, but for what its tunnel leads to: certificates."""
        if self._proxy is None or isinstance(error, ssl.SSLError):
            return words_for(error, self._url)
        return f"{words_for(error, f'http://{self._proxy.host}:{self._proxy.port}')}, the proxy in HTTPS_PROXY"

    def _asked(self, batch: bytes) -> tuple[int, str | None, bytes]:
        deadline = time.monotonic() + self._socket_timeout_seconds
        is_kept = self._connection.sock is not None
        try:
            return self._exchanged(batch, deadline)
        except OSError as error:
            if not is_kept or isinstance(error, TimeoutError):
                raise
        self._connection.close()  # the server had ended it while nothing was sent
        return self._exchanged(batch, deadline)

    def _exchanged(self, batch: bytes, deadline: float) -> tuple[int, str | None, bytes]:
        connection = self._connection
        connection.timeout = _left(deadline)
        if connection.sock is not None:
            connection.sock.settimeout(connection.timeout)
        connection.response_class = partial(_response, deadline)  # type: ignore[assignment]
        connection.request("POST", self._path, body=batch, headers=self._headers)
        response = connection.getresponse()
        answer = response.read(ANSWER_BYTES + 1)
        if len(answer) > ANSWER_BYTES:
            connection.close()
        return response.status, response.headers.get("Retry-After"), answer


def _connection(scheme: str, host: str, port: int | None, proxy: Proxy | None) -> HTTPConnection:
    if scheme != "https":
        return HTTPConnection(host, port)
    context = ssl.create_default_context()
    if proxy is None:
        return HTTPSConnection(host, port, context=context)
    connection = HTTPSConnection(proxy.host, proxy.port, context=context)
    connection.set_tunnel(host, port or HTTPS_PORT, headers=proxy.headers)
    return connection


def _problem(status: int, *, refusal: str, wait_seconds: float) -> SendError:
    if status in _REFUSES_THE_KEY:
        return SendError(f"HTTP {status}: {refusal} (AFTERTAG_KEY)", wait_seconds=wait_seconds)
    if 300 <= status < 400:
        return SendError(f"HTTP {status}: AFTERTAG_URL leads to a redirect, which is not followed with the key")
    if status in _NOT_THERE:  # a proxy says so, too, while what is behind it is being replaced
        return SendError(f"HTTP {status}: there is no server of ours at AFTERTAG_URL now", wait_seconds=wait_seconds)
    if status == _TOO_LARGE:
        return TooLargeError(f"HTTP {status}")
    if 400 <= status < 500 and status not in _TRY_AGAIN:
        return RefusedError(f"HTTP {status}")
    return SendError(f"HTTP {status}", wait_seconds=wait_seconds)


def _rejected(answer: bytes) -> int:
    """How many of a batch's generations and feedback are rejected; 0 of those that the answer does not speak of."""
    try:
        told = json.loads(answer)
    except (ValueError, RecursionError):
        return 0
    return _rejected_of(lambda: told["results"]) + _rejected_of(lambda: told["feedback"]["results"])


def _rejected_of(results: Callable[[], Any]) -> int:
    try:
        return sum(1 for result in results() if result["status"] == "rejected")
    except (TypeError, LookupError):
        return 0


def seconds(wait: str | None) -> float:
    """Read a Retry-After, in seconds or as a date, up to a minute; 0 for none."""
    if wait is None:
        return 0.0
    try:
        found = float(wait) if wait.isdecimal() else email.utils.parsedate_to_datetime(wait).timestamp() - time.time()
    except (ValueError, TypeError, OverflowError):
        return 0.0
    return max(0.0, min(found, LONGEST_WAIT_SECONDS))


def _version() -> str:
    try:
        return metadata.version("aftertag")
    except metadata.PackageNotFoundError:
        return "unknown"


def _left(deadline: float) -> float:
    seconds = deadline - time.monotonic()
    if seconds <= 0:
        raise TimeoutError
    return seconds


def _response(deadline: float, sock: socket.socket, **given: Any) -> HTTPResponse:
    return HTTPResponse(_Until(sock, partial(_left, deadline)), **given)  # type: ignore[arg-type]


class _Until(io.RawIOBase):
    """What a socket receives until a moment: a server that sends a byte a second would else hold the thread for ever."""

    def __init__(self, sock: socket.socket, seconds_left: Callable[[], float]) -> None:
        self._sock = sock
        self._received = sock.makefile("rb", buffering=0)
        self._seconds_left = seconds_left

    def makefile(self, _mode: str) -> io.BufferedReader:
        return io.BufferedReader(self)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        self._sock.settimeout(self._seconds_left())
        return self._received.readinto(buffer)

    def close(self) -> None:
        self._received.close()
        super().close()
