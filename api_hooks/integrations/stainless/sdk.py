"""What tells one SDK from the other: its name, its clients, and which of their addresses generate."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Sdk:
    """`name` is the package's, and the provider where the address does not tell; `clients` imports the classes of its clients.

    `forms` has the form of what is said, by path's end.
    """

    name: str
    clients: Callable[[], tuple[type, type]]
    forms: Mapping[str, str]

    def form_of(self, url: str) -> str | None:
        """Return chat, completions, responses or messages, by the path's end; None for one that does not generate."""
        path = url.partition("?")[0]
        return next((form for end, form in self.forms.items() if path.endswith(end)), None)
