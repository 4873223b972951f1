"""Make of what was handed over what goes over the wire, as the settings say: redacted, sampled; batches are next."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import import_module
from typing import Any

from api_hooks import forking, wire
from api_hooks.redacting import Redactor
from api_hooks.settings import Settings
from api_hooks.unread import Unread

_USED_LATER = ("hashlib",)


def prepare() -> None:
    """Import what building would import later: forks wait for this, and not for building itself."""
    with forking.work:
        for name in _USED_LATER:
            import_module(name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Builder:
    """Builds generations and feedback on the sending thread."""

    needs_workspace: bool = True
    sample: wire.Sample | None = None
    redact: wire.Redact | None = None

    @classmethod
    def of(cls, settings: Settings, *, on_redact_failure: Callable[[str], None]) -> "Builder":
        sample = wire.Sample(rate=settings.sample, by_session=settings.sample_by == "session")
        return cls(
            needs_workspace=settings.needs_workspace,
            sample=sample if settings.sample < 1 else None,
            redact=settings.redact and Redactor(settings.redact, on_failure=on_redact_failure),
        )

    def generation(self, unix_ns: int, messages: Any, output: Any, rest: dict[str, Any]) -> dict[str, Any] | None:
        """Return the wire's generation, None where a call turns out to be none.

        Raise wire.UnusableError, or whatever the application's objects raise.
        """
        is_unread = type(output) is Unread
        document = output.document(rest) if is_unread else {**rest, "messages": messages, "output": output}
        if document is None:
            return None
        return wire.generation(
            document,
            now=_moment(unix_ns),
            random_bytes=os.urandom(10),
            needs_workspace=self.needs_workspace,
            sample=self.sample,
            redact=self.redact,
        )

    def feedback(self, unix_ns: int, document: dict[str, Any]) -> dict[str, Any]:
        """Return the wire's feedback. Raise wire.UnusableError."""
        return wire.feedback(
            document,
            now=_moment(unix_ns),
            random_bytes=os.urandom(10),
            needs_workspace=self.needs_workspace,
            redact=self.redact,
        )


def _moment(unix_ns: int) -> datetime:
    return datetime.fromtimestamp(unix_ns / 1e9, UTC)
