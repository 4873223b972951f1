"""Whether an endpoint's server can be reached at all: a connection is opened and closed, and no model is asked."""

import socket
import urllib.request
from urllib.parse import urlsplit

from classifier_models.endpoints import Endpoint

TIMEOUT_SECONDS = 3.0


def problem(endpoint: Endpoint, *, timeout_seconds: float = TIMEOUT_SECONDS) -> str | None:
    """Return why there is no connection to the endpoint's address, None where there is one, or nothing to connect to.

    Behind a proxy, which has the connections, nothing is tried.
    """
    if endpoint.dialect == "local" or urllib.request.getproxies():
        return None
    address = urlsplit(endpoint.base_url)
    port = address.port or (443 if address.scheme == "https" else 80)
    try:
        socket.create_connection((address.hostname or "", port), timeout=timeout_seconds).close()
    except OSError as error:
        return error.strerror or type(error).__name__
    return None
