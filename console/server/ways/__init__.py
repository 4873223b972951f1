"""The ways in: each is a module with one `WAY`, named in `server.routes`; it gets its route, key check and limits there."""

from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from console.server import errors
from console.server.arrivals import Arrivals, Result
from console.server.errors import Refusal


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What a way reads: the body, unpacked, the headers with names in small letters, and the workspace of its key."""

    headers: Mapping[str, str] = field(repr=False)
    generations_at_most: int
    body: bytes = field(default=b"", repr=False)
    workspace: str = ""

    def require_media_type(self, *taken: str) -> None:
        """Raise UnsupportedError for another content type; none at all is taken as the first."""
        if self.media_type and self.media_type not in taken:
            raise errors.UnsupportedError(f"The content type is not read here; send {' or '.join(taken)}.")

    def require_few(self, count: int, *, what: str) -> None:
        """Raise TooLargeError when the body holds more than one request may."""
        if count > self.generations_at_most:
            raise errors.TooLargeError(
                f"The body holds {count:,} {what}; at most {self.generations_at_most:,} go into one request"
                " (AFTERTAG_HTTP_GENERATIONS)."
            )

    def received(self, body: bytes, *, workspace: str) -> "Request":
        """The whole request, once its key and its body are known."""
        return replace(self, body=body, workspace=workspace)

    @property
    def media_type(self) -> str:
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What goes back."""

    body: bytes = field(repr=False)
    status: int = 200
    media_type: str = "application/json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """One address that takes generations with POST.

    `read` decodes a request on a reading thread and raises a Refusal for what cannot be read; `answer` is what a sender
    hears once its documents are recorded. `refuse`, when it is given, words refusals in the sender's protocol.
    `sent_again_after` are the statuses after which senders that read no answers send a request again: what is refused
    with another is lost, and counted. `describe` is the operation in the OpenAPI document, `responses` its answers.
    """

    path: str
    name: str
    read: Callable[[Request], Arrivals]
    answer: Callable[[Request, Arrivals, Sequence[Result]], Answer]
    refuse: Callable[[Request, Refusal], Answer] | None = None
    sent_again_after: Container[int] | None = None
    describe: Mapping[str, Any] = field(default_factory=dict)
    responses: Mapping[int | str, dict[str, Any]] = field(default_factory=dict)
