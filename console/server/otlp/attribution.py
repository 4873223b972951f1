"""Who a span's generation belongs to: user, session, application, and what else an emitter says about it, within bounds."""

from itertools import islice
from typing import Any

from api_hooks.wire import contract
from console.server.otlp.reading import as_object, first_text
from console.server.otlp.spans import Attributes, Span

_USER = (
    "user.id",
    "enduser.id",
    "langfuse.user.id",
    "gen_ai.user",
    "llm.user",
    "ai.telemetry.metadata.userId",
    "traceloop.association.properties.user_id",
)
_SESSION = (
    "session.id",
    "gen_ai.conversation.id",
    "langfuse.session.id",
    "ai.telemetry.metadata.sessionId",
    "traceloop.association.properties.session_id",
    "traceloop.association.properties.thread_id",
)
_OF_RESOURCE_USER = ("user.id", "enduser.id")
_APP = (
    "aftertag.app",
    "http.request.header.x-title",
    "http.request.header.x_title",
    "http.request.header.http-referer",
)
_KEY_NAME = (
    "aftertag.api_key_name",
    "trace.metadata.openrouter.api_key_name",
    "metadata.user_api_key_alias",
)
_NAMED = {
    "gen_ai.agent.name": "agent",
    "traceloop.workflow.name": "workflow",
    "langfuse.trace.name": "trace_name",
    "trace.name": "trace_name",
    "langfuse.environment": "environment",
    "langfuse.release": "release",
    "error.type": "error_type",
}
_NAMED_OF_RESOURCE = {
    "deployment.environment.name": "environment",
    "deployment.environment": "environment",
    "service.version": "version",
    "service.namespace": "namespace",
}
_PREFIXES = (
    "aftertag.metadata.",
    "trace.metadata.",
    "langfuse.trace.metadata.",
    "langfuse.observation.metadata.",
    "ai.telemetry.metadata.",
    "traceloop.association.properties.",
)
_OF_FRAMEWORKS = (
    "langgraph_",
    "ls_",
    "lc_",
    "checkpoint_ns",
    "thread_id",
    "openrouter_generation.",
    "provider_responses",
    "finish_reason",
)
_UNKNOWN_SERVICE = "unknown_service"  # what SDKs write where nobody named the service
_LOOKED_AT_MOST = 10 * contract.METADATA_AT_MOST


def user(span: Span) -> str | None:
    """What the span says; else what its resource does, where a program is one person's (a notebook, a desktop)."""
    return first_text(span.attributes, _USER) or first_text(span.resource, _OF_RESOURCE_USER)


def session(span: Span) -> str | None:
    return first_text(span.attributes, _SESSION) or first_text(span.resource, ("session.id",))


def api_key_name(said: Attributes) -> str | None:
    return first_text(said, _KEY_NAME)


def app(span: Span) -> str | None:
    """What the hook's context said, else the title or address that an application gave its gateway, else the service's name.

    A gateway's own name is none.
    """
    found = first_text(span.attributes, _APP)
    if found is not None:
        return found
    name = first_text(span.resource, ("service.name",))
    return None if name is None or name.startswith(_UNKNOWN_SERVICE) or name == "openrouter" else name


def metadata(span: Span) -> dict[str, Any]:
    """What the application said itself first, then where the span stands; wire keeps 64 of them, 512 characters each."""
    found: dict[str, Any] = {}
    for name, value in islice(span.attributes.items(), _LOOKED_AT_MOST):
        if name.startswith(_PREFIXES):
            prefix = next(prefix for prefix in _PREFIXES if name.startswith(prefix))
            _keep(found, name[len(prefix) :], value)
        elif name in _NAMED:
            _keep(found, _NAMED[name], value)
        elif name == "metadata":  # OpenInference's, as JSON
            for key, inner in islice(as_object(value).items(), contract.METADATA_AT_MOST):
                _keep(found, key, inner)
    for name, key in _NAMED_OF_RESOURCE.items():
        if name in span.resource:
            found.setdefault(key, span.resource[name])
    if span.trace_id and span.span_id and len(found) < contract.METADATA_AT_MOST - 1:
        found |= {"trace_id": span.trace_id, "span_id": span.span_id}
    return found


def _keep(found: dict[str, Any], key: str, value: Any) -> None:
    """Keep one that tells something about the application; what a framework writes about its own steps does not."""
    if value is not None and value != "" and not key.startswith(_OF_FRAMEWORKS):
        found.setdefault(key, value)
