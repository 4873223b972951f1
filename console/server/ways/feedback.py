"""POST /v1/feedback: what somebody thought of a generation's answer; one, a list, or `{"feedback": […]}`."""

from collections.abc import Sequence

from console.server import bodies, errors
from console.server.arrivals import Arrivals, Result
from console.server.ways import Answer, Request, Way, describing, results


def read(request: Request) -> Arrivals:
    request.require_media_type("application/json")
    document = bodies.as_json(request.body)
    if isinstance(document, dict) and "feedback" not in document:
        return Arrivals(feedback=[document], alone=True)
    several = document.get("feedback") if isinstance(document, dict) else document
    if not isinstance(several, list):
        raise errors.UnreadableError(
            'The body is neither feedback nor a list of it; send {"generation_id": …, "score": …}.'
        )
    request.require_few(len(several), what="feedback")
    return Arrivals(feedback=several)


def answer(_: Request, arrivals: Arrivals, found: Sequence[Result]) -> Answer:
    results.require_one(arrivals, found)
    return results.as_json(results.told(found))


WAY = Way(
    path="/v1/feedback",
    name="feedback",
    read=read,
    answer=answer,
    describe=describing.operation(
        "Say what somebody thought of an answer",
        describing.Feedback,
        several="feedback",
        examples={"one": {"generation_id": "call-1", "score": 1, "comment": "Just what I needed.", "user": "u-17"}},
    ),
    responses=describing.RESPONSES,
)
