"""What a dialect is: how a question becomes request bodies, and how their answers become a reply."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal, Protocol

from classifier_models.endpoints import Endpoint
from classifier_models.question import Question
from classifier_models.reply import Reply

Structure = Literal["json_schema", "json_object", "text"]


class Dialect(Protocol):
    """A module that speaks to one kind of server. `STRUCTURES` are the ways to ask for JSON, strictest first."""

    STRUCTURES: tuple[Structure, ...]

    def url(self, endpoint: Endpoint) -> str:
        """Return where to POST."""

    def headers(self, endpoint: Endpoint) -> dict[str, str]:
        """Return what the dialect needs besides the headers that every call has, the key among them."""

    def contents(self, endpoint: Endpoint, question: Question, structure: Structure) -> Sequence[bytes]:
        """Return the request bodies, nearly always one."""

    def read(
        self, endpoint: Endpoint, question: Question, documents: Sequence[Mapping[str, Any]], latency_ms: int
    ) -> Reply:
        """Return the reply in the JSON objects that came back, one per request body, none with an error in it."""
