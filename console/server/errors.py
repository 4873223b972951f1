"""What a request is refused with, as one tree; the message is for the person who wrote the client.

Refusal                      any of these: status, code, message
├── BadRequestError       400  not JSON, broken gzip
├── UnknownKeyError       401  no key, or one that does not count
├── WrongRoleError        403  a person's key, which may not hand in generations
├── TooLateError          408  the body did not come
├── TooLargeError         413  the body, or how many generations it holds
├── UnsupportedError      415  a content type or encoding that is not read here
├── UnreadableError       422  JSON, but nothing that this address takes
├── TooManyError          429  over the key's rate
└── NotNowError           503  Postgres is away, or too much is under way
"""

from typing import ClassVar


class Refusal(Exception):  # noqa: N818 - the root; what is raised are its kinds
    """Ends a request; no message quotes the body."""

    status: ClassVar[int] = 500
    code: ClassVar[str] = "internal"

    def __init__(self, message: str, *, retry_after_seconds: int | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.retry_after_seconds = retry_after_seconds


class BadRequestError(Refusal):
    status, code = 400, "bad_request"


class UnknownKeyError(Refusal):
    status, code = 401, "unauthorized"


class WrongRoleError(Refusal):
    status, code = 403, "forbidden"


class TooLateError(Refusal):
    status, code = 408, "too_late"


class TooLargeError(Refusal):
    status, code = 413, "too_large"


class UnsupportedError(Refusal):
    status, code = 415, "unsupported"


class UnreadableError(Refusal):
    status, code = 422, "unreadable"


class TooManyError(Refusal):
    status, code = 429, "too_many"


class NotNowError(Refusal):
    status, code = 503, "not_now"

    def __init__(self, message: str, *, retry_after_seconds: int | None = 5) -> None:
        super().__init__(message, retry_after_seconds=retry_after_seconds)
