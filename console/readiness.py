"""Ask a server of ours on this machine whether it can do its work: for `doctor`."""

import http.client
import json
import urllib.error
import urllib.request
from dataclasses import dataclass

TIMEOUT_SECONDS = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Readiness:
    """`reason` says why it is not ready; None when nobody of ours answers."""

    ready: bool
    reason: str | None = None


def address(host: str, port: int) -> str:
    """Return where a server that serves on `host` can be asked from this machine."""
    here = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - every address of the machine is ours
    return f"http://[{here}]:{port}" if ":" in here else f"http://{here}:{port}"


def ask(url: str) -> Readiness:
    """Return what /readyz says."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(f"{url}/readyz", timeout=TIMEOUT_SECONDS) as answer:
            return Readiness(ready=json.load(answer)["status"] == "ready")
    except urllib.error.HTTPError as error:
        with error:
            return Readiness(ready=False, reason=_message(error.read(10_000)))
    except (OSError, http.client.HTTPException, ValueError, LookupError, TypeError):
        return Readiness(ready=False)


def _message(body: bytes) -> str | None:
    try:
        return str(json.loads(body)["error"]["message"])
    except (ValueError, LookupError, TypeError):
        return None  # somebody else's server
