"""One HTTP exchange with a model server: bytes out, at most 1 MB of bytes back, or the way in which it broke."""

from dataclasses import dataclass, field

import aiohttp
import httpx
from httpx_aiohttp import AiohttpTransport

ANSWER_BYTES = 1_000_000
CONNECT_SECONDS = 10.0
KEEPALIVE_SECONDS = 30.0
# Deadlines are the asker's, in total: a server that trickles bytes resets a read timeout for ever.
_TIMEOUT = {"timeout": {"connect": CONNECT_SECONDS, "read": None, "write": None, "pool": None}}


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """A server answered; `whole` is False when its body broke off or is over ANSWER_BYTES."""

    status: int
    retry_after: str | None
    body: bytes = field(repr=False)
    whole: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Broken:
    """No answer: refused, reset, not HTTP. `kind` is the class of the error."""

    kind: str


def open_transport(*, trust_proxy_variables: bool) -> httpx.AsyncBaseTransport:
    """Return the one transport of a process; call it on the loop that will use it.

    The pool is aiohttp's without a limit: httpx's own degrades quadratically with calls in flight (measured at 200:
    18 ms of CPU each), and how many calls are in flight is decided by whoever asks. There is no httpx client around
    it: we follow no redirects and keep no cookies, and doing without took a call from 0.24 to 0.17 ms of CPU.
    """

    def open_session() -> aiohttp.ClientSession:
        return aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                limit=0, ssl=httpx.create_ssl_context(), keepalive_timeout=KEEPALIVE_SECONDS, ttl_dns_cache=30
            ),
            cookie_jar=aiohttp.DummyCookieJar(),
            trust_env=trust_proxy_variables,
        )

    return AiohttpTransport(client=open_session)


async def post(
    transport: httpx.AsyncBaseTransport, url: httpx.URL, headers: httpx.Headers, content: bytes
) -> Received | Broken:
    """Return what came back; nothing is raised but a cancellation."""
    request = httpx.Request("POST", url, headers=headers, content=content, extensions=_TIMEOUT)
    try:
        response = await transport.handle_async_request(request)
    except (httpx.HTTPError, httpx.InvalidURL, aiohttp.ClientError, OSError, ValueError) as error:
        # The transport calls a reset connection a ConnectTimeout; its cause has the better name.
        return Broken(kind=type(error.__cause__ or error).__name__)
    try:
        body, whole = await _bounded_body(response)
    finally:
        await response.aclose()
    return Received(
        status=response.status_code, retry_after=response.headers.get("retry-after"), body=body, whole=whole
    )


async def _bounded_body(response: httpx.Response) -> tuple[bytes, bool]:
    chunks: list[bytes] = []
    left = ANSWER_BYTES
    # We ask for no compression; who compresses all the same is unpacked a bounded piece at a time.
    pieces = response.aiter_bytes() if "content-encoding" in response.headers else response.aiter_raw()
    try:
        async for piece in pieces:
            chunks.append(piece)
            left -= len(piece)
            if left < 0:
                return b"", False
    except (httpx.HTTPError, httpx.StreamError, aiohttp.ClientError, OSError, ValueError):
        return b"".join(chunks), False
    return b"".join(chunks), True
