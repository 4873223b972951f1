"""Langfuse's public API of scores: the one place that speaks HTTP to it.

Langfuse takes a list of scores at once (202, or 207 with how many it rejected) since its release 5; before, one at a time
(200). It is asked for the former first, and its answer decides for the rest. Every request may be sent again: a score's id
and time make it the same score.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from time import sleep as real_sleep
from types import TracebackType
from typing import Any, Literal, Self

import httpx
import tenacity

from console.errors import LangfuseError
from console.langfuse.scores import Score
from console.langfuse.settings import Settings

SCORES_AT_ONCE = 100
TRIES = 8
TIMEOUT_SECONDS = 30.0
LONGEST_WAIT_SECONDS = 120.0
_PATH = "/api/public/scores"
_BAD = (httpx.codes.BAD_REQUEST, httpx.codes.UNPROCESSABLE_ENTITY)

Form = Literal["list", "object"]
_FORMS: tuple[Form, ...] = ("list", "object")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejected:
    """A score that Langfuse does not take, and what it says about it."""

    score: Score
    reason: str


class _TryAgainError(Exception):
    """A request that may succeed when it is sent again."""

    def __init__(self, what: str, after_seconds: float = 0.0) -> None:
        super().__init__(what)
        self.after_seconds = after_seconds


class Langfuse:
    """A project of Langfuse: `with Langfuse(settings) as langfuse: langfuse.send(scores)`."""

    def __init__(self, settings: Settings, *, sleep: Callable[[float], None] = real_sleep) -> None:
        self._address = settings.address
        self._client = httpx.Client(
            base_url=settings.address,
            auth=(settings.public_key, settings.secret_key),
            timeout=TIMEOUT_SECONDS,
            headers={"User-Agent": "aftertag"},
        )
        self._form: Form | None = None
        self._retrying = tenacity.Retrying(
            retry=tenacity.retry_if_exception_type(_TryAgainError),
            wait=_wait,
            stop=tenacity.stop_after_attempt(TRIES),
            sleep=sleep,
            reraise=True,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.close()

    def send(self, scores: Sequence[Score]) -> list[Rejected]:
        """Send scores; return those that Langfuse does not take. Raise LangfuseError when it takes none at all."""
        rejected: list[Rejected] = []
        for start in range(0, len(scores), SCORES_AT_ONCE):
            some = scores[start : start + SCORES_AT_ONCE]
            if self._form == "object":
                rejected += [one for score in some for one in self._send_alone(score)]
            else:
                rejected += self._send_list(some)
        return rejected

    def delete(self, score_id: str) -> None:
        """Delete a score; one that is not there is as good as deleted. Raise LangfuseError."""
        answer = self._request("DELETE", f"{_PATH}/{score_id}")
        if answer.status_code != httpx.codes.NOT_FOUND:
            self._raise_unless_taken(answer)

    def _send_list(self, scores: Sequence[Score]) -> list[Rejected]:
        answer = self._request("POST", _PATH, [score.body for score in scores])
        if answer.status_code in _BAD:  # a score in it is bad; or an older Langfuse, which takes no list at all
            return [one for score in scores for one in self._send_alone(score)]
        if answer.status_code == httpx.codes.REQUEST_ENTITY_TOO_LARGE and len(scores) > 1:
            middle = len(scores) // 2
            return self._send_list(scores[:middle]) + self._send_list(scores[middle:])
        self._raise_unless_taken(answer)
        self._form = "list"
        told = _told(answer)
        if not told.get("rejected"):
            return []
        if len(scores) == 1:
            return [Rejected(score=scores[0], reason=_reason(told))]
        return [one for score in scores for one in self._send_alone(score)]  # it says how many it rejected, not which

    def _send_alone(self, score: Score) -> list[Rejected]:
        """Send one score, in the form that this Langfuse has taken, else in both."""
        told: dict[str, Any] = {}
        for form in (self._form,) if self._form is not None else _FORMS:
            answer = self._request("POST", _PATH, [score.body] if form == "list" else score.body)
            told = _told(answer)
            if answer.status_code in _BAD:
                continue
            self._raise_unless_taken(answer)
            self._form = form
            return [Rejected(score=score, reason=_reason(told))] if told.get("rejected") else []
        return [Rejected(score=score, reason=_reason(told))]

    def _request(self, method: str, path: str, body: Any = None) -> httpx.Response:
        try:
            return self._retrying(self._once, method, path, body)
        except _TryAgainError as error:
            raise LangfuseError(
                f"Langfuse at {self._address} did not take the scores in {TRIES} tries ({error});"
                " run it again later: what was sent is remembered."
            ) from None

    def _once(self, method: str, path: str, body: Any) -> httpx.Response:
        try:
            answer = self._client.request(method, path, json=body)
        except httpx.TransportError as error:
            raise _TryAgainError(type(error).__name__) from None
        if answer.status_code == httpx.codes.TOO_MANY_REQUESTS or answer.is_server_error:
            raise _TryAgainError(f"HTTP {answer.status_code}", _seconds(answer.headers.get("retry-after")))
        return answer

    def _raise_unless_taken(self, answer: httpx.Response) -> None:
        if answer.is_success:
            return
        if answer.status_code in (httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN):
            raise LangfuseError(
                f"Langfuse at {self._address} refuses the keys; check that LANGFUSE_PUBLIC_KEY and LANGFUSE_SECRET_KEY"
                " are a project's of this address."
            )
        raise LangfuseError(
            f"{self._address} answered HTTP {answer.status_code}, as Langfuse does not; check LANGFUSE_HOST."
        )


def _wait(state: tenacity.RetryCallState) -> float:
    """Random up to a bound that doubles, and not before the server wants it."""
    error = state.outcome.exception() if state.outcome is not None else None
    wanted = error.after_seconds if isinstance(error, _TryAgainError) else 0.0
    return max(tenacity.wait_random_exponential(multiplier=0.5, max=30)(state), min(wanted, LONGEST_WAIT_SECONDS))


def _seconds(given: str | None) -> float:
    return float(given) if given is not None and given.strip().isdecimal() else 0.0


def _told(answer: httpx.Response) -> dict[str, Any]:
    try:
        told = answer.json()
    except ValueError:
        return {}
    return told if isinstance(told, dict) else {}


def _reason(told: dict[str, Any]) -> str:
    errors = told.get("errors")
    first = errors[0] if isinstance(errors, list) and errors else told
    message = first.get("message") if isinstance(first, dict) else None
    return message[:200] if isinstance(message, str) and message else "no reason given"
