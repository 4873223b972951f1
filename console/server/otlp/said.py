"""What one convention's reader finds in a span; what it does not find is left to the next reader."""

from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True, kw_only=True)
class Said:
    """Messages and output as `enqueue` takes them, tools in any API's shape; None: the convention says nothing of it."""

    messages: Any = field(default=None, repr=False)
    output: Any = field(default=None, repr=False)
    tools: Any = field(default=None, repr=False)

    @property
    def is_whole(self) -> bool:
        return self.messages is not None and self.output is not None

    def complete(self, other: "Said") -> None:
        """Take from `other` what is missing here."""
        if self.messages is None:
            self.messages = other.messages
        if self.output is None:
            self.output = other.output
        if self.tools is None:
            self.tools = other.tools


def spoken_by_assistant(output: Any) -> Any:
    """An output's messages with the assistant's role, whatever role stands there (`unknown`, null), but for tools' results."""
    return [_spoken(one) for one in output] if isinstance(output, list) else _spoken(output)


def _spoken(message: Any) -> Any:
    if not isinstance(message, dict) or message.get("role") in ("assistant", "tool"):
        return message
    return {**message, "role": "assistant"}
