"""Langfuse's exports, of its page, its API and its blob storage: observations of type GENERATION are generations.

Rows come as camelCase (page, API) or snake_case (blob storage), alone, in an API's page, or inside their trace; in CSV,
and in API v2, input and output are JSON inside text. Spans, events, traces and scores are no generations. A trace's user
and session count for its observations, also when the traces are a file of their own.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from worker.importing.beside import Beside, SeveralError
from worker.importing.formats.format import Document, Format, LeftOut, Unusable
from worker.importing.formats.langfuse_generation import generation
from worker.importing.formats.reading import first, objects

_TRACE = "langfuse trace"
_OF_A_TRACE = ("userId", "user_id", "sessionId", "session_id", "name", "tags", "environment")
_TYPES = (
    "SPAN",
    "EVENT",
    "GENERATION",
    "AGENT",
    "TOOL",
    "CHAIN",
    "RETRIEVER",
    "EVALUATOR",
    "EMBEDDING",
    "GUARDRAIL",
)


def _recognises(document: Mapping[str, Any]) -> bool:
    if any(_is_one(document, what) for what in ("observation", "trace", "score")):
        return True
    return any(_recognises(row) for row in objects(document.get("data"))[:1]) or isinstance(
        document.get("trace"), Mapping
    )


def _is_one(row: Mapping[str, Any], what: str) -> bool:
    match what:
        case "observation":
            return row.get("type") in _TYPES and bool(row.keys() & {"traceId", "trace_id", "startTime", "start_time"})
        case "trace":
            return "timestamp" in row and bool(row.keys() & {"bookmarked", "sessionId", "session_id", "htmlPath"})
        case _:
            return bool(row.keys() & {"dataType", "data_type"}) and {"name", "value", "source"} <= row.keys()


def _keep(document: Any, beside: Beside, source: str) -> bool:
    if not isinstance(document, Mapping):
        return False
    rows = objects(document.get("data")) or [document]
    traces = [row for row in rows if _is_one(row, "trace") and not _is_one(row, "score") and row.get("id")]
    for trace in traces:
        # Not by source: an export that was made twice is the same trace, perhaps with a session by now.
        beside.keep(_TRACE, str(trace["id"]), {name: trace.get(name) for name in _OF_A_TRACE}, source="")
    return bool(traces)


def _read(document: Any, beside: Beside) -> Iterator[Document | LeftOut | Unusable]:
    if not isinstance(document, Mapping) or not _recognises(document):
        yield Unusable("is no observation, trace or score of Langfuse")
    elif _is_one(document, "score"):
        yield LeftOut("score")
    elif _is_one(document, "observation"):
        yield _observation(document, _trace_of(document, beside))
    elif isinstance(document.get("trace"), Mapping):
        yield from _whole_trace(document["trace"], objects(document.get("observations")))
    elif _is_one(document, "trace"):
        yield from _whole_trace(document, objects(document.get("observations")))
    else:
        for row in objects(document["data"]):
            yield from _read(row, beside)


def _whole_trace(
    trace: Mapping[str, Any], observations: list[Mapping[str, Any]]
) -> Iterator[Document | LeftOut | Unusable]:
    yield LeftOut("trace")
    for observation in observations:
        yield _observation(observation, trace)


def _trace_of(observation: Mapping[str, Any], beside: Beside) -> Mapping[str, Any]:
    try:
        found = beside.look_up(_TRACE, str(first(observation, "traceId", "trace_id")))
    except SeveralError:
        return {}
    return found if isinstance(found, Mapping) else {}


def _observation(row: Mapping[str, Any], trace: Mapping[str, Any]) -> Document | LeftOut | Unusable:
    kind = row.get("type")
    if kind not in _TYPES:
        return Unusable("is no observation of Langfuse")
    if kind != "GENERATION":
        return LeftOut(str(kind).lower())
    if row.get("level") == "ERROR" and first(row, "output") is None:
        return LeftOut("failed generation")
    return generation(row, trace)


FORMAT = Format(
    name="langfuse",
    title="an export of Langfuse",
    recognises=_recognises,
    read=_read,
    keep=_keep,
)
