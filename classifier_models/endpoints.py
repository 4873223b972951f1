"""Where models are asked: endpoints by name, with addresses and keys from the environment only.

A classifier names an endpoint and never carries an address, so a workspace cannot send transcripts elsewhere.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, get_args
from urllib.parse import urlsplit

from classifier_models import quirks
from classifier_models.errors import EndpointConfigurationError, UnknownEndpointError
from classifier_models.quirks import Quirks

Dialect = Literal["chat", "messages", "systemone", "local"]

NAME = re.compile(r"[a-z0-9_-]{1,32}")
VARIABLE = re.compile(r"AFTERTAG_ENDPOINT_([A-Z0-9_]+)_(URL|KEY|DIALECT)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """One address at which models are asked, its dialect, and the key that pays (never in its repr)."""

    name: str
    base_url: str
    dialect: Dialect
    api_key: str | None = field(default=None, repr=False)
    quirks: Quirks = field(default=quirks.GENERIC, repr=False)


LOCAL = Endpoint(name="local", base_url="", dialect="local")


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """A provider that needs no address from the operator."""

    base_url: str
    dialect: Dialect
    key_variable: str


KNOWN = {
    "openrouter": Known(base_url="https://openrouter.ai/api/v1", dialect="chat", key_variable="OPENROUTER_API_KEY"),
    "openai": Known(base_url="https://api.openai.com/v1", dialect="chat", key_variable="OPENAI_API_KEY"),
    "anthropic": Known(base_url="https://api.anthropic.com", dialect="messages", key_variable="ANTHROPIC_API_KEY"),
}
PREFERRED = (*KNOWN, "ollama")


def from_environment(environ: Mapping[str, str]) -> dict[str, Endpoint]:
    """Return the configured endpoints by name, in order of preference; `local` is always there, and last.

    Raise EndpointConfigurationError when a variable cannot be used.
    """
    given = _given(environ)
    found = [_endpoint(name, given.get(name, {}), environ) for name in (*PREFERRED, *_others(given))]
    return {endpoint.name: endpoint for endpoint in (*filter(None, found), LOCAL)}


def first_configured(endpoints: Mapping[str, Endpoint]) -> Endpoint:
    """Return the endpoint to use when nobody named one: the first configured, else `local`."""
    return next(iter(endpoints.values()), LOCAL)


def named(endpoints: Mapping[str, Endpoint], name: str) -> Endpoint:
    """Return the endpoint of that name; raise UnknownEndpointError when it is not configured."""
    try:
        return endpoints[name]
    except KeyError:
        raise UnknownEndpointError(name, endpoints) from None


def _given(environ: Mapping[str, str]) -> dict[str, dict[str, str]]:
    given: dict[str, dict[str, str]] = {}
    for variable, value in environ.items():
        if (match := VARIABLE.fullmatch(variable)) and value.strip():  # compose passes unset variables as ""
            given.setdefault(match[1].lower(), {})[match[2]] = value.strip()
    return given


def _others(given: Mapping[str, object]) -> list[str]:
    return sorted(name for name in given if name not in PREFERRED)


def _endpoint(name: str, given: Mapping[str, str], environ: Mapping[str, str]) -> Endpoint | None:
    known = KNOWN.get(name)
    api_key = given.get("KEY") or (environ.get(known.key_variable, "").strip() if known else "") or None
    base_url = given.get("URL") or _default_url(name, known, api_key, environ)
    if base_url is None and known is None and given:
        raise EndpointConfigurationError(
            f"AFTERTAG_ENDPOINT_{name.upper()}_{next(iter(given))} is set without an address:"
            f" set AFTERTAG_ENDPOINT_{name.upper()}_URL too."
        )
    if base_url is None:
        return None
    if not NAME.fullmatch(name) or name == LOCAL.name:
        raise EndpointConfigurationError(
            f"AFTERTAG_ENDPOINT_{name.upper()}_URL names an endpoint {name!r}: "
            "use another name, of at most 32 letters, digits and underscores."
        )
    if api_key is not None and not (api_key.isascii() and api_key.isprintable()):
        raise EndpointConfigurationError(f"The key of endpoint {name!r} has characters that no key has: copy it again.")
    host = _host(name, base_url)
    return Endpoint(
        name=name,
        base_url=base_url.rstrip("/"),
        dialect=_dialect(name, given.get("DIALECT"), known),
        api_key=api_key,
        quirks=quirks.of(name, host),
    )


def _default_url(name: str, known: Known | None, api_key: str | None, environ: Mapping[str, str]) -> str | None:
    if known is not None:
        return known.base_url if api_key else None
    if name == "ollama" and (host := environ.get("OLLAMA_HOST", "").strip()):
        return _ollama_url(host)
    return None


def _ollama_url(host: str) -> str:
    """Return the address that Ollama's own variable means: `0.0.0.0`, `host:port` and `http://host` are all usual."""
    try:
        address = urlsplit(host if "://" in host else f"//{host}", scheme="http")
        port = address.port or (11434 if "://" not in host else {"http": 80, "https": 443}.get(address.scheme))
    except ValueError:
        raise EndpointConfigurationError(f"OLLAMA_HOST {host!r} is no address: write host:port.") from None
    name = address.hostname or "127.0.0.1"
    name = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(name, name)  # noqa: S104 - where it listens is not where to call
    return f"{address.scheme}://{f'[{name}]' if ':' in name else name}:{port}{address.path.rstrip('/')}/v1"


def _host(name: str, base_url: str) -> str:
    variable = f"AFTERTAG_ENDPOINT_{name.upper()}_URL"
    try:
        address = urlsplit(base_url)
        _ = address.port
    except ValueError:
        raise EndpointConfigurationError(f"{variable} is no address: write http://host:port/v1.") from None
    if address.scheme not in ("http", "https") or not address.hostname:
        raise EndpointConfigurationError(f"{variable} is no http or https address: write http://host:port/v1.")
    if "@" in address.netloc or address.query or address.fragment:
        raise EndpointConfigurationError(
            f"{variable} has a user, query or fragment: write the address alone, and the key into"
            f" AFTERTAG_ENDPOINT_{name.upper()}_KEY."
        )
    return address.hostname


def _dialect(name: str, given: str | None, known: Known | None) -> Dialect:
    if given is None:
        return known.dialect if known else "chat"
    for dialect in get_args(Dialect):
        if given == dialect != LOCAL.dialect:
            return dialect  # type: ignore[no-any-return]
    raise EndpointConfigurationError(
        f"AFTERTAG_ENDPOINT_{name.upper()}_DIALECT is {given!r}: use chat, messages or systemone."
    )
