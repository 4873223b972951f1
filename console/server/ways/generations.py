"""POST /v1/generations: one generation, a list, `{"generations": […]}`, or a batch of the hook's."""

from collections.abc import Sequence
from typing import Any

from console.server import bodies, errors
from console.server.arrivals import Arrivals, Result
from console.server.ways import Answer, Request, Way, describing, results
from worker import batches
from worker import errors as worker_errors


def read(request: Request) -> Arrivals:
    """Tell the four shapes apart; the hook's batch is the one with a version."""
    request.require_media_type("application/json")
    document = bodies.as_json(request.body)
    if isinstance(document, dict) and "v" in document:
        return _batch(document, request)
    if isinstance(document, dict) and "generations" not in document:
        return Arrivals(documents=[document], alone=True)
    several = document.get("generations") if isinstance(document, dict) else document
    if not isinstance(several, list):
        raise errors.UnreadableError('The body is neither a generation nor a list of them; send {"messages": […]}.')
    request.require_few(len(several), what="generations")
    return Arrivals(documents=several)


def answer(_: Request, arrivals: Arrivals, found: Sequence[Result]) -> Answer:
    """A result for each generation; those of feedback, which only the hook's batches carry, apart."""
    results.require_one(arrivals, found)
    count = len(arrivals.documents)
    told = results.told(found[:count])
    return results.as_json({**told, "feedback": results.told(found[count:])} if arrivals.feedback else told)


def _batch(document: dict[str, Any], request: Request) -> Arrivals:
    """Its rejected ones are kept for the operator: the hook has nobody to tell, and forgets what it sent."""
    try:
        sent = batches.read(document)
    except worker_errors.InvalidRequestError as error:
        raise errors.UnreadableError(str(error)) from None
    request.require_few(len(sent.generations) + len(sent.feedback), what="generations and feedback")
    return Arrivals(
        documents=sent.generations,
        feedback=sent.feedback,
        on_the_wire=True,
        dropped=sent.dropped,
        kept_when_rejected=True,
    )


_ONE = {
    "messages": [{"role": "user", "content": "Draft a reply to the customer whose invoice was charged twice."}],
    "output": "Dear Ms Okafor, …",
    "model": "gpt-5-mini",
    "user": "u-17",
}

WAY = Way(
    path="/v1/generations",
    name="generations",
    read=read,
    answer=answer,
    describe=describing.operation(
        "Hand in generations",
        describing.Generation,
        several="generations",
        examples={"one": _ONE, "several": [{**_ONE, "id": "call-1"}, {**_ONE, "id": "call-2"}]},
    ),
    responses=describing.RESPONSES,
)
