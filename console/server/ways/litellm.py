"""POST /v1/litellm: what LiteLLM's proxy reports by its own `generic_api` callback, in each of its three formats.

`json_array` is a list, `ndjson` a payload a line, `single` one object. LiteLLM reads the status only, and sends again
only after 5xx: so whatever can be recorded is, and what cannot is set aside for the operator.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from api_hooks import wire
from api_hooks.wire import litellm
from console.server import bodies, errors
from console.server.arrivals import Arrivals, Result, Unusable
from console.server.ways import Answer, Request, Way, results


def read(request: Request) -> Arrivals:
    """Make a document of every payload that is a generation, and note the places of those that are none."""
    payloads = list(_payloads(request.body))
    request.require_few(len(payloads), what="events")
    made = [_document(payload) for payload in payloads]
    return Arrivals(
        documents=[one for one in made if one is not None],
        kept_when_rejected=True,
        ignored=frozenset(place for place, one in enumerate(made) if one is None),
    )


def answer(_: Request, arrivals: Arrivals, found: Sequence[Result]) -> Answer:
    """A result for each event, in order; `ignored` are those that are no generation: failures, embeddings and the like."""
    told = results.told(found)
    of_generations = iter(told["results"])
    count = len(found) + len(arrivals.ignored)
    told["results"] = [
        {"status": "ignored"} if one in arrivals.ignored else next(of_generations) for one in range(count)
    ]
    return results.as_json({**told, "ignored": len(arrivals.ignored)})


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


WAY = Way(path="/v1/litellm", name="LiteLLM's generic_api callback", read=read, answer=answer)
