"""Whether an endpoint's server answers at all: its address is asked for, without a key, and no model is."""

import queue
import threading
from urllib.parse import urlsplit

import httpx

from classifier_models.endpoints import Endpoint

TIMEOUT_SECONDS = 5.0


def problem(endpoint: Endpoint, *, timeout_seconds: float = TIMEOUT_SECONDS) -> str | None:
    """Return in a few words why no answer came from the endpoint's address, None where one came, and for `local`.

    Any answer is one, a 404 too: what it means, calls find out. Goes through the proxy that calls go through. Takes
    `timeout_seconds` at the most, also where a name server is silent, or a server sends a byte a second: the look-up,
    which nothing interrupts, is left to a thread of its own.
    """
    if endpoint.dialect == "local":
        return None
    found: queue.SimpleQueue[str | None] = queue.SimpleQueue()
    threading.Thread(
        target=lambda: found.put(_problem(endpoint, timeout_seconds)), name="reaching", daemon=True
    ).start()
    try:
        return found.get(timeout=timeout_seconds)
    except queue.Empty:
        return f"no answer within {timeout_seconds:g} s"


def where(endpoint: Endpoint) -> str:
    """Return the endpoint's host and port, for people."""
    address = urlsplit(endpoint.base_url)
    return f"{address.hostname}:{address.port or (443 if address.scheme == 'https' else 80)}"


def _problem(endpoint: Endpoint, timeout_seconds: float) -> str | None:
    try:
        with httpx.stream("GET", endpoint.base_url, timeout=timeout_seconds, headers={"User-Agent": "aftertag"}):
            return None
    except httpx.TimeoutException:
        return f"no answer within {timeout_seconds:g} s"
    except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError) as error:
        return _words_for(error)


def _words_for(error: BaseException) -> str:
    """The system's words for the innermost cause that it has some for, else the error's kind."""
    inner: BaseException | None = error
    words = None
    for _ in range(10):
        if inner is None:
            break
        words = (inner.strerror if isinstance(inner, OSError) else None) or words
        inner = inner.__cause__ or inner.__context__
    return words or type(error).__name__
