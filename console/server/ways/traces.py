"""POST /v1/traces: OTLP over HTTP, in protobuf or JSON, from any OpenTelemetry emitter and from OpenRouter's Broadcast."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from console.server import bodies, errors
from console.server.arrivals import Arrivals, Result
from console.server.otlp import answers, documents, json_form, protobuf
from console.server.otlp.lately import Lately
from console.server.otlp.spans import Decoded
from console.server.ways import Answer, Request, Way, describing

OVER_LIMIT = "over_limit"
"""The loss that is counted where a request has more than one may hold: its exporter drops the rest, and tells its log at best."""

_REASONS_TOLD = 3
_lately = Lately()
_IN_PROTOBUF = (answers.PROTOBUF, "application/protobuf")


@dataclass(frozen=True, slots=True, kw_only=True)
class Traces(Arrivals):
    """The generations of a request's spans, and how many spans it had over what one request may hold."""

    too_many: int = 0


def read(request: Request) -> Traces:
    """Decode the spans and pick the generations; what else they are is counted."""
    decoded = _decoded(request)
    found = documents.read(decoded.spans, workspace=request.workspace, lately=_lately)
    taken = found.documents[: request.generations_at_most]
    too_many = decoded.too_many + len(found.documents) - len(taken)
    return Traces(
        documents=taken,
        kept_when_rejected=True,  # exporters log the answer's message at best
        ignored={**found.ignored, "without_text": found.without_text},
        too_many=too_many,
        dropped={OVER_LIMIT: too_many} if too_many else {},
    )


def answer(request: Request, arrivals: Arrivals, results: Sequence[Result]) -> Answer:
    """An ExportTraceServiceResponse; spans that are no generations are not rejected: they did no harm and need no warning."""
    rejected = Counter(result.reason or "" for result in results if result.status == "rejected")
    too_many = arrivals.too_many if isinstance(arrivals, Traces) else 0
    if too_many:
        rejected[f"over the {request.generations_at_most:,} that one request may hold (AFTERTAG_HTTP_GENERATIONS)"] = (
            too_many
        )
    media_type = _answered_in(request)
    message = f"{sum(rejected.values()):,} generations were not recorded: " + "; ".join(
        reason for reason, _ in rejected.most_common(_REASONS_TOLD)
    )
    body = answers.response(media_type, rejected=sum(rejected.values()), message=message)
    return Answer(body=body, media_type=media_type)


def refuse(request: Request, refusal: errors.Refusal) -> Answer:
    """A google.rpc.Status. Exporters come back after 429 and 503 by themselves, and drop the request for all else."""
    media_type = _answered_in(request)
    body = answers.status(media_type, http_status=refusal.status, message=refusal.message)
    return Answer(body=body, status=refusal.status, media_type=media_type)


def _decoded(request: Request) -> Decoded:
    if request.media_type in _IN_PROTOBUF:
        return protobuf.decode(request.body)
    if request.media_type == answers.JSON:
        # OpenRouter tests a connection with an empty request, which may be no JSON at all.
        return json_form.spans_of(bodies.as_json(request.body) if request.body.strip() else {})
    raise errors.UnsupportedError("The content type is not read here; send application/x-protobuf or application/json.")


def _answered_in(request: Request) -> str:
    return answers.PROTOBUF if request.media_type in _IN_PROTOBUF else answers.JSON


WAY = Way(
    path="/v1/traces",
    name="traces",
    read=read,
    answer=answer,
    refuse=refuse,
    sent_again_after=(429, 502, 503, 504),
    describe=describing.protocol(
        "Hand in OpenTelemetry spans (OTLP over HTTP), of which model calls are kept", (answers.PROTOBUF, answers.JSON)
    ),
)
