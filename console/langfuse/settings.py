"""Where Langfuse is, and the keys to it: read from the same variables as Langfuse's own SDKs read."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256

from console.errors import LangfuseError

CLOUD = "https://cloud.langfuse.com"
_ADDRESSES = ("LANGFUSE_BASE_URL", "LANGFUSE_HOST")
_KEYS = ("LANGFUSE_PUBLIC_KEY", "LANGFUSE_SECRET_KEY")


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The address without a path, and a project's pair of keys."""

    address: str
    public_key: str
    secret_key: str = field(repr=False)

    @property
    def project(self) -> str:
        """A name for the project that says nothing about it: what was sent to one was not sent to another."""
        return sha256(f"{self.address}\0{self.public_key}".encode()).hexdigest()[:16]


def from_environment(environment: Mapping[str, str]) -> Settings:
    """Read the settings. Raise LangfuseError that names what is missing, or the address that is none."""
    missing = [name for name in _KEYS if not environment.get(name, "").strip()]
    if missing:
        raise LangfuseError(f"Set {' and '.join(missing)}: Langfuse shows a project's keys in its settings.")
    name = next((name for name in _ADDRESSES if environment.get(name, "").strip()), None)
    address = (environment[name].strip() if name else CLOUD).rstrip("/")
    if not address.startswith(("http://", "https://")):
        raise LangfuseError(f"{name} is {address!r}; write an address such as {CLOUD}.")
    public_key, secret_key = (environment[name].strip() for name in _KEYS)
    return Settings(address=address, public_key=public_key, secret_key=secret_key)
