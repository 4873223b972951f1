"""POST /v1/litellm: what LiteLLM's proxy reports by its own `generic_api` callback, in each of its three formats.

`json_array` is a list, `ndjson` a payload a line, `single` one object. LiteLLM reads the status only, and sends again
only after 5xx: so whatever can be recorded is, what cannot is set aside for the operator, and what a moment mends is
told as a 503. How often it comes again is its operator's setting: such a refusal is counted, too.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from api_hooks import wire
from api_hooks.wire import litellm
from console.server import bodies, errors
from console.server.arrivals import Arrivals, Result, Unusable
from console.server.ways import Answer, Request, Way, describing, results

_PASSING = (errors.TooManyError, errors.TooLateError)
_TOLD_AS_503 = frozenset(one.status for one in _PASSING)


@dataclass(frozen=True, slots=True, kw_only=True)
class Events(Arrivals):
    """The generations among a request's events, and the places of those events that are none."""

    passed_over: frozenset[int] = frozenset()


def read(request: Request) -> Events:
    """Make a document of every event that is a generation."""
    payloads = list(_payloads(request.body))
    request.require_few(len(payloads), what="events")
    made = [_document(payload) for payload in payloads]
    passed_over = frozenset(place for place, one in enumerate(made) if one is None)
    return Events(
        documents=[one for one in made if one is not None],
        kept_when_rejected=True,
        passed_over=passed_over,
        ignored={"litellm_event": len(passed_over)},
    )


def answer(_: Request, arrivals: Arrivals, found: Sequence[Result]) -> Answer:
    """A result for each event, in order; `ignored` are those that are no generation: failures, embeddings and the like."""
    passed_over = arrivals.passed_over if isinstance(arrivals, Events) else frozenset()
    told = results.told(found)
    of_generations = iter(told["results"])
    places = range(len(found) + len(passed_over))
    told["results"] = [{"status": "ignored"} if place in passed_over else next(of_generations) for place in places]
    return results.as_json({**told, "ignored": len(passed_over)})


def refuse(_: Request, refusal: errors.Refusal) -> Answer:
    """The refusal with a status that LiteLLM understands, and what its operator can do about it."""
    status = errors.NotNowError.status if isinstance(refusal, _PASSING) else refusal.status
    message = refusal.message
    if isinstance(refusal, errors.TooLargeError):
        message += " A LiteLLM proxy's are as large as DEFAULT_BATCH_SIZE in its environment (512 events without it)."
    return results.as_json({"error": {"code": refusal.code, "message": message}}, status=status)


def _payloads(body: bytes) -> Iterator[Any]:
    """The events in a body. Of several lines, each is one by itself: a broken line takes no other with it."""
    text = body.strip()
    if text.startswith(b"{") and b"\n" in text:
        for line in filter(None, map(bytes.strip, text.split(b"\n"))):
            try:
                yield bodies.as_json(line, nan_is_null=True)
            except errors.BadRequestError as error:
                yield Unusable(given=line.decode(errors="replace"), reason=error.message)
        return
    whole = bodies.as_json(text, nan_is_null=True)
    if not isinstance(whole, dict | list):
        raise errors.UnreadableError("The body is neither an event nor a list of them; use LiteLLM's generic_api.")
    yield from whole if isinstance(whole, list) else [whole]


def _document(payload: Any) -> object | None:
    if isinstance(payload, Unusable):
        return payload
    try:
        return litellm.document(payload)
    except wire.UnusableError as error:
        return Unusable(given=payload, reason=str(error))


WAY = Way(
    path="/v1/litellm",
    name="litellm",
    read=read,
    answer=answer,
    refuse=refuse,
    sent_again_after=range(500, 600),
    describe=describing.protocol(
        "Hand in a LiteLLM proxy's events: the webhook of its generic_api callback",
        ("application/json", "application/x-ndjson"),
    ),
    responses={status: told for status, told in describing.RESPONSES.items() if status not in _TOLD_AS_503},
)
