"""Make of what was handed over what goes over the wire, as the settings say: redacted, sampled; batches are next."""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import import_module
from typing import Any

from api_hooks import attribution, forking, wire
from api_hooks.redacting import Redactor
from api_hooks.settings import Settings

_USED_LATER = ("hashlib",)

Read = Callable[[int], dict[str, Any] | None]
"""Reads a call that is still the bytes of a request and an answer: on the sending thread, not on the caller's.

It is shown when the call was handed over, in nanoseconds since 1970, and returns `enqueue`'s arguments as far as the call
states them, None where it turns out to be no generation. What it raises counts as bad input.
"""


def prepare() -> None:
    """Import what building would import later: forks wait for this, and not for building itself."""
    with forking.work:
        for name in _USED_LATER:
            import_module(name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Builder:
    """Builds generations and feedback on the sending thread."""

    workspace: str | None = None
    app: str | None = None
    needs_workspace: bool = True
    sample: wire.Sample | None = None
    redact: wire.Redact | None = None

    @classmethod
    def of(cls, settings: Settings, *, on_redact_failure: Callable[[str], None]) -> "Builder":
        sample = wire.Sample(rate=settings.sample, by_session=settings.sample_by == "session")
        return cls(
            workspace=settings.workspace,
            app=settings.app,
            needs_workspace=settings.needs_workspace,
            sample=sample if settings.sample < 1 else None,
            redact=settings.redact and Redactor(settings.redact, on_failure=on_redact_failure),
        )

    def generation(self, unix_ns: int, messages: Any, output: Any, rest: dict[str, Any]) -> dict[str, Any]:
        """Return the wire's generation. Raise wire.UnusableError, or whatever the application's objects raise."""
        return self._generation(unix_ns, {**rest, "messages": messages, "output": output})

    def unread(self, unix_ns: int, read: Read, attributed: Mapping[str, Any]) -> dict[str, Any] | None:
        """The same of a call that has not been read yet; None where it turns out to be no generation."""
        document = read(unix_ns)
        if document is None:
            return None
        attribution.complete(document, attributed)
        return self._generation(unix_ns, document)

    def _generation(self, unix_ns: int, document: dict[str, Any]) -> dict[str, Any]:
        if document.get("app") is None:
            document["app"] = self.app
        return wire.generation(
            self._placed(document),
            now=_moment(unix_ns),
            random_bytes=os.urandom(10),
            needs_workspace=self.needs_workspace,
            sample=self.sample,
            redact=self.redact,
        )

    def feedback(self, unix_ns: int, document: dict[str, Any]) -> dict[str, Any]:
        """Return the wire's feedback. Raise wire.UnusableError."""
        return wire.feedback(
            self._placed(document),
            now=_moment(unix_ns),
            random_bytes=os.urandom(10),
            needs_workspace=self.needs_workspace,
            redact=self.redact,
        )

    def _placed(self, document: dict[str, Any]) -> dict[str, Any]:
        if document.get("workspace") is None:
            document["workspace"] = self.workspace
        return document


def _moment(unix_ns: int) -> datetime:
    return datetime.fromtimestamp(unix_ns / 1e9, UTC)
