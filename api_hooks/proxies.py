"""The proxy through which this process reaches an https:// server: `HTTPS_PROXY` and `NO_PROXY`, as Python's urllib reads them.

The environment says it, beside what `settings` reads there: it is the machine's matter, not the application's. Asking
macOS for its settings is unsafe in a forked process. A plain http:// server is inside of the house, and reached directly;
so is everything where the variable names another kind of proxy than an http:// one.
"""

from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit
from urllib.request import getproxies_environment, proxy_bypass_environment  # type: ignore[attr-defined]

_PORT = 8080


@dataclass(frozen=True, slots=True, kw_only=True)
class Proxy:
    """Where it listens, and with what it is asked for a tunnel."""

    host: str
    port: int
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)


def proxy_for(host: str, port: int) -> Proxy | None:
    """Return the proxy on the way to an https:// server; None where there is none, or one that is no http:// proxy."""
    named = getproxies_environment()
    url = named.get("https") or named.get("all")
    if not url or proxy_bypass_environment(f"{host}:{port}", named):
        return None
    try:
        parts = urlsplit(url if "://" in url else f"http://{url}")
        if parts.scheme != "http" or not parts.hostname:
            return None
        user = f"{unquote(parts.username or '')}:{unquote(parts.password or '')}"
        return Proxy(host=parts.hostname, port=parts.port or _PORT, headers=_asking(user) if parts.username else {})
    except ValueError:  # its port is none
        return None


def _asking(user: str) -> dict[str, str]:
    return {"Proxy-Authorization": f"Basic {b64encode(user.encode()).decode()}"}
