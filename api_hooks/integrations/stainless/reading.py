"""What a call says, read from its bytes on the sending thread: `enqueue`'s arguments, as far as they are there."""

import json
from collections.abc import Mapping
from typing import Any

from api_hooks.integrations.stainless.assembling import Assembly
from api_hooks.wire.providers import provider_of

ABANDONED = "abandoned"
"""The finish reason of a stream that was not read to the end of what the model said."""

UNFINISHED = ("queued", "in_progress")
"""The states of a response that is still to come."""


def document(
    sdk: str,
    form: str,
    url: Any,
    headers: Mapping[str, str],
    request: bytes,
    output: Any,
    took_seconds: float,
    streamed: bool,
    own_id: str | None,
    is_abandoned: bool,
    ended_ns: int,
) -> dict[str, Any] | None:
    """Return what the call states; None for an answer that is no completed generation. Raise what unreadable bytes do.

    `url` and `headers` are those of httpx's request, `request` is its body; `output` the bytes of a whole response, an
    Assembly of a stream, or None where nobody read it. By `own_id` others know the call. `ended_ns` is when it was over,
    in nanoseconds since 1970.
    """
    asked = _asked(request)
    answered, is_whole = _answered(output)
    if answered is not None and not is_abandoned and _is_no_generation(answered):
        return None
    return {
        "id": own_id,
        "created_at": ended_ns / 1e9 - took_seconds,
        "latency_ms": took_seconds * 1000,
        "streamed": streamed,
        "messages": asked.get("prompt") if form == "completions" else asked,
        "output": answered,
        "tools": asked.get("tools") or asked.get("functions"),
        "model": (answered or {}).get("model") or asked.get("model"),
        "provider": provider_of(url.host, otherwise=sdk),
        "finish_reason": ABANDONED if is_abandoned and not is_whole else None,
        **_attribution(sdk, asked, headers),
    }


def _asked(request: bytes) -> dict[str, Any]:
    asked = json.loads(request)
    return asked if isinstance(asked, dict) else {}


def _answered(output: Any) -> tuple[dict[str, Any] | None, bool]:
    if isinstance(output, Assembly):
        return output.document()
    if output is None:
        return None, False
    answered = json.loads(output)
    if not isinstance(answered, dict):
        raise ValueError("The answer is no JSON object.")
    return answered, True


def _is_no_generation(answered: Mapping[str, Any]) -> bool:
    """Gateways answer 200 with an error; a response that is made in the background is not there yet."""
    said = [answered[name] for name in ("choices", "output", "content") if answered.get(name) is not None]
    is_error = bool(answered.get("error")) and not any(said)
    return not said or is_error or answered.get("status") in UNFINISHED


def _attribution(sdk: str, asked: Mapping[str, Any], headers: Mapping[str, str]) -> dict[str, Any]:
    """Who is behind the call, in the words of its API and of gateways; the provider's own checks need the same."""
    metadata = asked.get("metadata")
    metadata = metadata if isinstance(metadata, dict) else {}
    conversation = asked.get("conversation")
    conversation = conversation.get("id") if isinstance(conversation, dict) else conversation
    return {
        "user": metadata.get("user_id") if sdk == "anthropic" else asked.get("user") or asked.get("safety_identifier"),
        "session_id": asked.get("session_id") or conversation,
        "app": headers.get("x-title") or headers.get("x-openrouter-title") or headers.get("http-referer"),
        "metadata": None if sdk == "anthropic" else metadata or None,
    }
