"""From spans to documents as `enqueue` takes them, one for each generation among the spans; recording them is next."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from api_hooks import wire
from api_hooks.wire import naming
from api_hooks.wire.inside import opened
from console.server.otlp import (
    attribution,
    doubles,
    events,
    genai,
    kinds,
    langfuse,
    logfire,
    moments,
    openinference,
    openrouter,
    own_calls,
    serving,
    traceloop,
    usage,
    vercel,
)
from console.server.otlp.lately import Lately
from console.server.otlp.reading import first, first_text
from console.server.otlp.said import Said
from console.server.otlp.spans import Span

_READERS = (
    genai.said,
    langfuse.said,
    openinference.said,
    traceloop.said,
    openrouter.said,
    vercel.said,
    events.said,
    logfire.said,
)
_RESPONSE_ID = ("gen_ai.response.id", "ai.response.id")
_FINISH = (
    "gen_ai.response.finish_reasons",
    "gen_ai.response.finish_reason",
    "gen_ai.completion.0.finish_reason",
    "llm.finish_reason",
    "ai.response.finishReason",
    "anthropic.message.stop_reason",
    "langfuse.observation.metadata.finish_reason",
)
_FAILED = "error"
_STREAMED = ("gen_ai.request.stream", "gen_ai.is_streaming", "llm.is_streaming")
_ONLY_OF_STREAMS = frozenset(
    (
        "gen_ai.response.time_to_first_chunk",
        "gen_ai.client.operation.time_to_first_chunk",
        "langfuse.observation.completion_start_time",
    )
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """The documents, and how many spans are none and why: `not_a_generation`, `seen_twice`, `stream_opening`, `failed`.

    `without_text` counts documents whose emitter does not capture content: their usage counts, nobody asks about them.
    """

    documents: Sequence[dict[str, Any]] = field(repr=False)
    ignored: Mapping[str, int]
    without_text: int


def read(spans: Sequence[Span], *, workspace: str, lately: Lately) -> Found:
    """Return what is to be recorded of a request's spans, in their order; `lately` is what earlier requests brought."""
    ignored: Counter[str] = Counter()
    views: list[doubles.View] = []
    for span in spans:
        if not kinds.is_generation(span):
            ignored["not_a_generation"] += 1
        elif logfire.is_opening(span):
            ignored["stream_opening"] += 1
        elif _gave_nothing(document := _document(span)):
            # Before any joining: it is no call that could stand for another's span, or beside one.
            ignored["failed"] += 1
        else:
            views.append(doubles.View(span=span, document=document, models=_stated_models(span)))
    whole = doubles.not_told_before(doubles.joined(views), workspace=workspace, lately=lately)
    if len(whole) < len(views):
        ignored["seen_twice"] = len(views) - len(whole)
    documents = [view.document for view in whole]
    return Found(documents=documents, ignored=ignored, without_text=sum(map(_withhold, documents)))


def _document(span: Span) -> dict[str, Any]:
    attributes = span.attributes
    said = _said(span)
    asked = openinference.parameters(span)
    return {
        "id": _id(span),
        "created_at": moments.created_at(span),
        "messages": said.messages,
        "output": said.output,
        "tools": said.tools,
        "model": first_text(attributes, naming.MODELS_OF_A_SPAN) or first_text(asked, ("model",)),
        "provider": serving.provider(attributes),
        "usage": usage.tokens(attributes),
        "cost_usd": usage.cost_usd(attributes),
        "latency_ms": moments.latency_ms(span),
        "finish_reason": _FAILED if _has_failed(span) else _finish_reason(span),
        "streamed": _is_streamed(span) or asked.get("stream") is True,
        "user": attribution.user(span) or first_text(asked, ("user",)),
        "session_id": attribution.session(span),
        "app": attribution.app(span),
        "api_key_name": attribution.api_key_name(attributes),
        "metadata": attribution.metadata(span),
        "own_call": own_calls.mark_of(span.attributes),
    }


def _said(span: Span) -> Said:
    """What the readers find, each filling what those before it left open."""
    found = Said()
    for reader in _READERS:
        found.complete(reader(span))
        if found.is_whole:
            break
    return found


def _id(span: Span) -> str | None:
    """The response's id, which every instrument of a call names it by; else what the hook of an SDK wrote onto the span.

    Else the span's own, the same each time it comes.
    """
    given = first(span.attributes, _RESPONSE_ID) or openinference.response_id(span)
    if (told_apart := wire.response_id(given)) is not None:
        return told_apart
    if (told := naming.told_id(span.attributes, map(span.attributes.get, naming.MODELS_OF_A_SPAN))) is not None:
        return told
    return naming.span_name(span.trace_id, span.span_id) if span.trace_id and span.span_id else None


def _stated_models(span: Span) -> tuple[str, ...]:
    stated = (*map(span.attributes.get, naming.MODELS_OF_A_SPAN), openinference.parameters(span).get("model"))
    return tuple(one for one in stated if isinstance(one, str) and one)


def _has_failed(span: Span) -> bool:
    return span.failed or span.attributes.get("langfuse.observation.level") == "ERROR"


def _gave_nothing(document: Mapping[str, Any]) -> bool:
    """Whether a call failed before there was an answer: a generation is a call that completed.

    A stream that broke off is one; where no text is captured, its tokens tell that there was some. An assistant's
    message without anything in it is no answer: LangChain's instruments write one for every call.
    """
    if document["finish_reason"] != _FAILED or document["usage"].get("completion"):
        return False
    said, _ = wire.normalise_messages(None, document["output"])
    return not any(text or kind == "tool_call" for kind, text, *_ in said)


def _finish_reason(span: Span) -> Any:
    reason = opened(first(span.attributes, _FINISH))
    return next(iter(reason), None) if isinstance(reason, list) else reason


def _is_streamed(span: Span) -> bool:
    operation = span.attributes.get("ai.operationId")
    return (
        any(span.attributes.get(name) is True for name in _STREAMED)
        or not _ONLY_OF_STREAMS.isdisjoint(span.attributes)
        or (isinstance(operation, str) and operation.endswith(".doStream"))
        or logfire.streamed_seconds(span) is not None
    )


def _withhold(document: dict[str, Any]) -> bool:
    """Mark a document without text as one whose sender keeps all of it; return whether it is."""
    if document["messages"] or document["output"]:
        return False
    document |= {"messages": None, "output": None, "turns": [], "source_rate": 0.0, "source_draw": 1.0}
    document["metadata"] = {**document["metadata"], "text": wire.NOT_CAPTURED}
    return True
