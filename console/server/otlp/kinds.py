"""Which spans are generations: one call of a model each; agents, chains, tools and the like are none and add no usage."""

from collections.abc import Mapping

from api_hooks.wire import litellm
from console.server.otlp.spans import Span

CALLS = litellm.GENERATIONS | {"chat", "generate_content", "text_completion", "completion"}
"""`gen_ai.operation.name` of a model call; `invoke_agent`, `execute_tool`, `embeddings` and all others are none.

LiteLLM's own tracing writes the type of the call there, and `llm.request.type` alone where it captures no text.
"""

_CALLS_OF_VERCEL = (".doGenerate", ".doStream")
_HAD_BY_CALLS = ("gen_ai.usage.", "gen_ai.prompt", "gen_ai.completion", "llm.usage.", "llm.prompts", "llm.completions")
_MODELS = ("gen_ai.request.model", "gen_ai.response.model", "llm.request.model")


def is_generation(span: Span) -> bool:
    """Whether a span is one model call. Its emitter's own word counts, the most telling first."""
    said = span.attributes
    if _is_of_openrouter(span):
        return _has_what_calls_have(said)
    if (kind := said.get("langfuse.observation.type")) is not None:
        return bool(kind == "generation")
    if (kind := said.get("openinference.span.kind")) is not None:
        return bool(kind == "LLM")
    if (operation := said.get("ai.operationId")) is not None:
        return isinstance(operation, str) and operation.endswith(_CALLS_OF_VERCEL)
    if (operation := said.get("gen_ai.operation.name")) is not None:
        return isinstance(operation, str) and operation in CALLS
    if (kind := said.get("llm.request.type")) is not None:
        return isinstance(kind, str) and kind in CALLS
    if "traceloop.span.kind" in said:
        return False
    # Conventions from before there were operations: a model, and something that only its call has.
    return any(name in said for name in _MODELS) and _has_what_calls_have(said)


def _is_of_openrouter(span: Span) -> bool:
    """The gateway's Broadcast: a call is three spans and more, of which the root alone has text, tokens and cost."""
    return span.name == "LLM Generation" or span.resource.get("service.name") == "openrouter"


def _has_what_calls_have(said: Mapping[str, object]) -> bool:
    return any(name.startswith(_HAD_BY_CALLS) for name in said)
