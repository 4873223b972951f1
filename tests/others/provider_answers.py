"""What the provider answers: one `Answer` for each request, and its form in each of the four APIs."""

import json
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

COST = 0.0123
REASONING_TOKENS = 7
THOUGHT = "The user wants something."
REFUSAL = "I cannot help with that."
STRUCTURED = {"city": "Bern", "population": 134_000}
CREATED = 1_790_000_000


@dataclass(frozen=True, kw_only=True)
class Asked:
    """A request, and what is to be played for it. `id` is the response's without its prefix."""

    form: str
    request: dict[str, Any] = field(repr=False)
    id: str
    plays: frozenset[str] = frozenset()
    reports_cost: bool = False
    words: int = 0

    @property
    def model(self) -> str:
        return str(self.request.get("model") or "deployed")

    @cached_property
    def said(self) -> str:
        """The answer's text: a sentence about the last thing that the user said, unless something else is played."""
        if "refusal" in self.plays:
            return REFUSAL
        if "json" in self.plays:
            return json.dumps(STRUCTURED)
        if self.words:
            return " ".join(f"word{number}" for number in range(self.words))
        return f"You said: {_last_text(self.request)[:80]}"

    @property
    def tool(self) -> dict[str, Any] | None:
        """The call of the first tool, if that is played and has no result yet: its name, and its arguments as JSON."""
        if "tool" not in self.plays or _has_result(self.request):
            return None
        first = (self.request.get("tools") or [{}])[0]
        name = first.get("name") or first.get("function", {}).get("name") or "lookup"
        return {"name": name, "arguments": json.dumps({"q": "weather in Bern"}), "id": f"call_{self.id[:20]}"}

    @property
    def pieces(self) -> list[str]:
        """The text as a stream brings it, a word a piece."""
        return [piece + " " for piece in self.said.split(" ")[:-1]] + [self.said.rsplit(" ", 1)[-1]]

    @property
    def tokens(self) -> tuple[int, int, int, int]:
        """Prompt, completion, cached, reasoning."""
        prompt = max(4, len(json.dumps(self.request)) // 4)
        reasoning = REASONING_TOKENS if "thinking" in self.plays else 0
        return prompt, len(self.pieces) + reasoning, prompt // 2 if "cached" in self.plays else 0, reasoning


def _has_result(request: dict[str, Any]) -> bool:
    last = (request.get("messages") or request.get("input") or [None])[-1]
    return isinstance(last, dict) and (last.get("role") == "tool" or last.get("type") == "function_call_output")


def whole(asked: Asked) -> dict[str, Any]:
    """The whole response, as it comes without streaming."""
    if asked.form == "/chat/completions":
        choice = {"index": 0, "message": message(asked), "finish_reason": finish(asked), "logprobs": None}
        return _openai(asked, "chatcmpl-", "chat.completion") | {"choices": [choice], "usage": usage(asked)}
    if asked.form == "/completions":
        choice = {"index": 0, "text": asked.said, "finish_reason": finish(asked), "logprobs": None}
        return _openai(asked, "cmpl-", "text_completion") | {"choices": [choice], "usage": usage(asked)}
    if asked.form == "/responses":
        return response(asked)
    return anthropic(asked)


def message(asked: Asked) -> dict[str, Any]:
    said: dict[str, Any] = {"role": "assistant", "content": asked.said, "refusal": None}
    if "refusal" in asked.plays:
        said |= {"content": None, "refusal": asked.said}
    if "thinking" in asked.plays:
        said["reasoning_content"] = THOUGHT
    if asked.tool:
        call = {"name": asked.tool["name"], "arguments": asked.tool["arguments"]}
        said |= {"content": None, "tool_calls": [{"id": asked.tool["id"], "type": "function", "function": call}]}
    return said


def finish(asked: Asked) -> str:
    return "tool_calls" if asked.tool else "length" if "length" in asked.plays else "stop"


def usage(asked: Asked) -> dict[str, Any]:
    prompt, completion, cached, reasoning = asked.tokens
    counted: dict[str, Any] = {
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": prompt + completion,
        "prompt_tokens_details": {"cached_tokens": cached, "audio_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": reasoning, "audio_tokens": 0},
    }
    return counted | ({"cost": COST, "is_byok": False} if asked.reports_cost else {})


def response(asked: Asked, *, status: str | None = None) -> dict[str, Any]:
    """A response of the Responses API; `status` in place of what it comes to, for the events before its end."""
    prompt, completion, cached, reasoning = asked.tokens
    is_cut = "length" in asked.plays
    whole = {
        "id": f"resp_{asked.id}",
        "object": "response",
        "created_at": CREATED,
        "status": status or ("incomplete" if is_cut else "completed"),
        "error": None,
        "incomplete_details": {"reason": "max_output_tokens"} if is_cut and status is None else None,
        "instructions": asked.request.get("instructions"),
        "model": asked.model,
        "output": output(asked) if status is None else [],
        "parallel_tool_calls": True,
        "temperature": 1.0,
        "tool_choice": "auto",
        "tools": [],
        "top_p": 1.0,
        "metadata": {},
        "usage": None,
    }
    if status is None:
        whole["usage"] = {
            "input_tokens": prompt,
            "input_tokens_details": {"cached_tokens": cached},
            "output_tokens": completion,
            "output_tokens_details": {"reasoning_tokens": reasoning},
            "total_tokens": prompt + completion,
        }
    return whole


def output(asked: Asked) -> list[dict[str, Any]]:
    """The items of a response's output."""
    thought = {"type": "reasoning", "id": f"rs_{asked.id}", "summary": [{"type": "summary_text", "text": THOUGHT}]}
    items: list[dict[str, Any]] = [thought] if "thinking" in asked.plays else []
    if asked.tool:
        return [
            *items,
            {"type": "function_call", "id": f"fc_{asked.id}", "call_id": asked.tool["id"]}
            | {
                "name": asked.tool["name"],
                "arguments": asked.tool["arguments"],
                "status": "completed",
            },
        ]
    part: dict[str, Any] = {"type": "output_text", "text": asked.said, "annotations": []}
    if "refusal" in asked.plays:
        part = {"type": "refusal", "refusal": asked.said}
    said = {"type": "message", "id": f"msg_{asked.id}", "status": "completed", "role": "assistant", "content": [part]}
    return [*items, said]


def anthropic(asked: Asked) -> dict[str, Any]:
    return {
        "id": f"msg_{asked.id}",
        "type": "message",
        "role": "assistant",
        "model": asked.model,
        "content": anthropic_content(asked),
        "stop_reason": anthropic_stop(asked),
        "stop_sequence": None,
        "usage": anthropic_usage(asked),
    }


def anthropic_content(asked: Asked) -> list[dict[str, Any]]:
    thought = [{"type": "thinking", "thinking": THOUGHT, "signature": "c2ln"}] if "thinking" in asked.plays else []
    blocks: list[dict[str, Any]] = [*thought, {"type": "text", "text": asked.said}]
    if asked.tool:
        use = {"name": asked.tool["name"], "input": json.loads(asked.tool["arguments"])}
        blocks.append({"type": "tool_use", "id": f"toolu_{asked.id[:20]}", **use})
    return blocks


def anthropic_stop(asked: Asked) -> str:
    if "refusal" in asked.plays:
        return "refusal"
    return "tool_use" if asked.tool else "max_tokens" if "length" in asked.plays else "end_turn"


def anthropic_usage(asked: Asked) -> dict[str, Any]:
    """Anthropic counts what came from the cache beside the input."""
    prompt, completion, cached, _ = asked.tokens
    return {
        "input_tokens": prompt - cached,
        "cache_read_input_tokens": cached,
        "cache_creation_input_tokens": 0,
        "output_tokens": completion,
        "service_tier": "standard",
    }


def error(form: str, status: int) -> dict[str, Any]:
    """An error in the API's own form."""
    if form == "/messages":
        kind = {429: "rate_limit_error", 400: "invalid_request_error", 401: "authentication_error"}.get(status)
        return {"type": "error", "error": {"type": kind or "api_error", "message": f"This is a {status}."}}
    return {"error": {"message": f"This is a {status}.", "type": "invalid_request_error", "param": None, "code": None}}


def _openai(asked: Asked, prefix: str, kind: str) -> dict[str, Any]:
    return {"id": prefix + asked.id, "object": kind, "created": CREATED, "model": asked.model}


def _last_text(request: dict[str, Any]) -> str:
    """The text that stands last in the request."""
    asked = request.get("messages") or request.get("input") or request.get("prompt") or ""
    while not isinstance(asked, str):
        if isinstance(asked, list):
            asked = asked[-1] if asked else ""
        else:
            asked = asked.get("content") or asked.get("text") or asked.get("output") or ""
    return asked
