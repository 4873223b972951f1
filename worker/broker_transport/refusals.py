"""Why a message is refused: the closed list of faults, and the value that stands for one refusal."""

from dataclasses import dataclass
from enum import StrEnum


class Fault(StrEnum):
    """Why a message was refused. The names are stored with it and stand in the log."""

    TOO_LARGE = "too_large"
    ENVELOPE_NOT_JSON = "envelope_not_json"
    ENVELOPE_INCOMPLETE = "envelope_incomplete"
    UNKNOWN_CONTENT_TYPE = "unknown_content_type"
    UNKNOWN_COMPRESSION = "unknown_compression"
    BODY_NOT_DECODABLE = "body_not_decodable"
    BODY_NOT_JSON = "body_not_json"
    BODY_NOT_A_CALL = "body_not_a_call"
    UNKNOWN_TASK = "unknown_task"
    WRONG_HEADER = "wrong_header"


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """A message nobody can run; `error` is one sentence without a character of the message in it."""

    fault: Fault
    error: str


class RefusedError(Exception):
    """Carries a refusal up to `envelope.read`, which returns it; it never leaves this package."""

    def __init__(self, fault: Fault, error: str) -> None:
        super().__init__(error)
        self.refused = Refused(fault=fault, error=error)
