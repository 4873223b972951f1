"""Who served a call: as its emitter names them, unless the address tells that it only spoke to somebody of the same API."""

from api_hooks import wire
from console.server.otlp.reading import first_text
from console.server.otlp.spans import Attributes

_PROVIDER = ("gen_ai.provider.name", "gen_ai.system", "llm.provider", "llm.system", "ai.model.provider")
_ADDRESS = ("server.address", "gen_ai.openai.api_base")
_WITH_AN_API_OF_MANY = frozenset(("openai", "anthropic"))


def provider(said: Attributes) -> str | None:
    """Instruments of OpenAI's and Anthropic's SDKs name these, whatever the address that their client was given."""
    named, address = first_text(said, _PROVIDER), first_text(said, _ADDRESS)
    if named not in _WITH_AN_API_OF_MANY or address is None:
        return named
    return wire.provider_of(_host(address[:512]), otherwise=named)


def _host(address: str) -> str:
    """The host of an address with or without its scheme, its port, and what belongs to nobody's eyes before an @."""
    place = address.partition("://")[2] or address
    host = place.partition("/")[0].rpartition("@")[2]
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.partition(":")[0] if host.count(":") == 1 else host
