"""What an answer that is no answer means: HTTP status and error body → Case.

A server's own words are matched here and go no further: they may quote the transcript.
"""

import email.utils
import json
import math
import re
from collections.abc import Callable, Mapping
from typing import Any

from classifier_models.reply import Case

RETRY_AFTER_LIMIT_SECONDS = 3600.0

_BY_STATUS = {
    401: Case.UNAUTHORIZED,
    402: Case.OUT_OF_CREDIT,
    403: Case.FORBIDDEN,
    408: Case.TIMEOUT,
    409: Case.SERVER_ERROR,
    413: Case.CONTEXT_TOO_LONG,
    425: Case.SERVER_ERROR,
    429: Case.RATE_LIMITED,
}
_BY_CODE = {
    "context_length_exceeded": Case.CONTEXT_TOO_LONG,
    "token_limit_exceeded": Case.CONTEXT_TOO_LONG,
    "exceed_context_size_error": Case.CONTEXT_TOO_LONG,
    "request_too_large": Case.CONTEXT_TOO_LONG,
    "insufficient_quota": Case.OUT_OF_CREDIT,
    "billing_hard_limit_reached": Case.OUT_OF_CREDIT,
    "billing_error": Case.OUT_OF_CREDIT,
    "payment_required": Case.OUT_OF_CREDIT,
    "content_filter": Case.REFUSED,
    "content_policy_violation": Case.REFUSED,
    "refusal": Case.REFUSED,
    "invalid_api_key": Case.UNAUTHORIZED,
    "authentication_error": Case.UNAUTHORIZED,
    "permission_error": Case.FORBIDDEN,
    "permission_denied": Case.FORBIDDEN,
    "rate_limit_exceeded": Case.RATE_LIMITED,
    "rate_limit_error": Case.RATE_LIMITED,
    "timeout": Case.TIMEOUT,
    "overloaded_error": Case.SERVER_ERROR,
    "api_error": Case.SERVER_ERROR,
    "server": Case.SERVER_ERROR,
    "server_error": Case.SERVER_ERROR,
    "provider_unavailable": Case.SERVER_ERROR,
    "provider_overloaded": Case.SERVER_ERROR,
    "invalid_request_error": Case.BAD_REQUEST,
}
# These say more than the status they come with: a 429 for an empty account, a 403 for one moderated text.
_OVERRIDE_STATUS = {Case.CONTEXT_TOO_LONG, Case.OUT_OF_CREDIT, Case.REFUSED}
_TOO_LONG = re.compile(
    r"(maximum|max|available|model'?s) context|context[ _](length|window|size)|prompt is too long|input is too long"
    r"|too many (input )?tokens|token limit|maximum number of tokens",
    re.IGNORECASE,
)
_NO_CREDIT = re.compile(r"credit balance|insufficient (credit|fund|balance|quota)", re.IGNORECASE)
_NO_STRUCTURE = re.compile(
    r"response_format|json_schema|json_object|output_config|structured[ _]output|requested parameters|grammar",
    re.IGNORECASE,
)
_SLUG = re.compile(r"[a-z0-9_.-]{1,48}")


def read_json(body: bytes) -> Any:
    """Return the JSON document in `body`, None when it is none."""
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def error_of(document: object) -> Mapping[str, Any] | None:
    """Return the error that a body carries, in whichever of the usual forms, None when it carries none."""
    if not isinstance(document, Mapping):
        return None
    error = document.get("error")
    if isinstance(error, Mapping):
        return error
    if isinstance(error, str) and error:
        return {"message": error}
    if document.get("type") == "error" or (document.get("object") == "error"):
        return document
    return None


def case_of(status: int, error: Mapping[str, Any] | None) -> Case:
    """Return what an HTTP answer other than 200 means, or an error body in a 200 (status 200: its code decides)."""
    error = error or {}
    named = _named_case(error)
    if named in _OVERRIDE_STATUS:
        return named
    message = error.get("message")
    message = message if isinstance(message, str) else ""
    folded = _folded_status(status, error)
    if folded in (400, 413, 422, 500) and _TOO_LONG.search(message):
        return Case.CONTEXT_TOO_LONG
    if folded in (400, 403, 429) and _NO_CREDIT.search(message):
        return Case.OUT_OF_CREDIT
    if folded == 403 and _is_moderation(error):
        return Case.REFUSED
    if folded == 200:
        return named or Case.SERVER_ERROR
    if folded in _BY_STATUS:
        return _BY_STATUS[folded]
    return Case.SERVER_ERROR if folded >= 500 else Case.BAD_REQUEST


def refuses_structure(status: int, error: Mapping[str, Any] | None) -> bool:
    """Return whether the server turned the form of the answer down, and not the question."""
    if _folded_status(status, error or {}) not in (400, 404, 422, 500, 501):
        return False
    named = (error or {}).get("param"), (error or {}).get("message"), (error or {}).get("code")
    return any(isinstance(part, str) and _NO_STRUCTURE.search(part) for part in named)


def detail_of(status: int, error: Mapping[str, Any] | None) -> str:
    """Return what may be shown of an error: its status and its code, where that is a mere slug."""
    code = next((code for code in _codes(error or {}) if _SLUG.fullmatch(code)), "")
    return f"HTTP {status} {code}".rstrip()


def retry_after_seconds(value: object, *, wall_clock: Callable[[], float]) -> float | None:
    """Return how long to wait by a Retry-After of seconds or an HTTP date: 0 to 3,600 s, None if unreadable."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        seconds = float(value)
    except (ValueError, OverflowError):
        seconds = _seconds_until(str(value), wall_clock=wall_clock)
    return None if math.isnan(seconds) else min(max(seconds, 0.0), RETRY_AFTER_LIMIT_SECONDS)


def _seconds_until(date: str, *, wall_clock: Callable[[], float]) -> float:
    try:
        return email.utils.parsedate_to_datetime(date).timestamp() - wall_clock()
    except (ValueError, TypeError, IndexError, OverflowError):
        return math.nan


def _folded_status(status: int, error: Mapping[str, Any]) -> int:
    """Return the status, or for a 200 the one in the error body (200 when there is none)."""
    if status != 200:
        return status
    for value in (error.get("code"), error.get("status"), error.get("status_code")):
        if isinstance(value, int | str) and re.fullmatch(r"[1-5][0-9][0-9]", str(value)):
            return int(value)
    return 200


def _named_case(error: Mapping[str, Any]) -> Case | None:
    return next((_BY_CODE[code] for code in _codes(error) if code in _BY_CODE), None)


def _codes(error: Mapping[str, Any]) -> list[str]:
    metadata = error.get("metadata")
    named = [error.get("code"), error.get("type"), error.get("error_type")]
    if isinstance(metadata, Mapping):
        named.append(metadata.get("error_type"))
    return [value.lower() for value in named if isinstance(value, str)]


def _is_moderation(error: Mapping[str, Any]) -> bool:
    metadata = error.get("metadata")
    return isinstance(metadata, Mapping) and ("flagged_input" in metadata or "reasons" in metadata)
