"""Say in words for people why nothing could be sent: where it was tried, and what to look at; never a password."""

from urllib.parse import urlsplit

_MEANS = {
    "ConnectionRefusedError": "nothing listens there",
    "gaierror": "no such host is known",
    "TimeoutError": "no answer came in time",
    "AuthenticationError": "it refuses the user or password in AFTERTAG_URL",
    "NoPermissionError": "the user in AFTERTAG_URL may not publish there; see api_hooks/redis_publish_only.acl",
    "SSLCertVerificationError": "its certificate cannot be verified",
    "ModuleNotFoundError": "a package that sending needs is missing in this interpreter: `pip install aftertag`",
    "OutOfMemoryError": "it has no memory left",
}
_PORTS = {"redis": 6379, "rediss": 6379, "http": 80, "https": 443}


def words_for(error: BaseException, url: str) -> str:
    """Return the error's kind, the address without user and password, and what the innermost known cause means."""
    kinds = [type(one).__name__ for one in _chain(error)]
    meant = next((kind for kind in reversed(kinds) if kind in _MEANS), None)
    return f"{meant or kinds[0]} at {_where(url)}" + (f" ({_MEANS[meant]})" if meant else "")


def _where(url: str) -> str:
    address = urlsplit(url)
    try:
        return f"{address.hostname}:{address.port or _PORTS.get(address.scheme, '')}"
    except ValueError:  # its port is no number
        return str(address.hostname)


def _chain(error: BaseException) -> list[BaseException]:
    found: list[BaseException] = []
    inner: BaseException | None = error
    while inner is not None and inner not in found and len(found) < 10:
        found.append(inner)
        inner = inner.__cause__ or inner.__context__
    return found
