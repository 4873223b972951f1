"""POST /v1/generations: one generation, a list, `{"generations": […]}`, or a batch of the hook's."""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from console.server import bodies, errors
from console.server.arrivals import Arrivals, Result
from console.server.ways import Answer, Request, Way
from worker import errors as worker_errors
from worker import recording

MEDIA_TYPES = ("application/json", "")


def read(request: Request) -> Arrivals:
    """Tell the four shapes apart; the hook's batch is the one with a version."""
    if request.media_type not in MEDIA_TYPES:
        raise errors.UnsupportedError("The content type is not read here; send application/json.")
    document = bodies.as_json(request.body)
    if isinstance(document, dict) and "v" in document:
        arrivals = _batch(document)
    elif isinstance(document, dict) and isinstance(document.get("generations"), list):
        arrivals = Arrivals(documents=document["generations"])
    elif isinstance(document, dict):
        arrivals = Arrivals(documents=[document], alone=True)
    elif isinstance(document, list):
        arrivals = Arrivals(documents=document)
    else:
        raise errors.UnreadableError('The body is neither a generation nor a list of them; send {"messages": […]}.')
    if len(arrivals.documents) > request.generations_at_most:
        raise errors.TooLargeError(
            f"The body holds {len(arrivals.documents):,} generations; at most {request.generations_at_most:,} go into"
            " one request (AFTERTAG_HTTP_GENERATIONS)."
        )
    return arrivals


def answer(request: Request, arrivals: Arrivals, results: Sequence[Result]) -> Answer:
    """A result for each, in order, and how many of each kind; one object alone that is rejected is refused."""
    if arrivals.alone and results[0].status == "rejected":
        raise errors.UnreadableError(f"It cannot be recorded: {results[0].reason}")
    counted = Counter(one.status for one in results)
    found: dict[str, Any] = {
        "results": [{name: value for name, value in asdict(one).items() if value is not None} for one in results],
        **{status: counted[status] for status in ("recorded", "known", "rejected")},
    }
    return Answer(body=json.dumps(found, ensure_ascii=False).encode())


def _batch(document: dict[str, Any]) -> Arrivals:
    try:
        generations, dropped = recording.read_batch(document)
    except worker_errors.InvalidRequestError as error:
        raise errors.UnreadableError(str(error)) from None
    return Arrivals(documents=generations, on_the_wire=True, dropped=dropped, kept_when_rejected=True)


WAY = Way(path="/v1/generations", name="generations", read=read, answer=answer)
