"""Which spans are generations: one model call each, by whatever convention; everything around them is none."""

from typing import Any

import pytest

from tests.console.server.otlp.samples import Emitted, chat, found_in

MODEL = {"gen_ai.request.model": "gpt-5-mini"}
USED = {"gen_ai.usage.input_tokens": 40}


@pytest.mark.parametrize(
    "attributes",
    [
        {"gen_ai.operation.name": "chat"},
        {"gen_ai.operation.name": "generate_content"},
        {"gen_ai.operation.name": "text_completion"},
        {"llm.request.type": "chat"},
        {"llm.request.type": "completion"},
        {"openinference.span.kind": "LLM"},
        {"langfuse.observation.type": "generation"},
        {"ai.operationId": "ai.generateText.doGenerate"},
        {"ai.operationId": "ai.streamObject.doStream"},
        {**MODEL, **USED},
        {"gen_ai.response.model": "gpt-5-mini", "gen_ai.prompt.0.content": "Why?"},
    ],
)
def test_a_model_call_is_a_generation(attributes: dict[str, Any]) -> None:
    assert len(found_in(Emitted(attributes=attributes)).documents) == 1


@pytest.mark.parametrize(
    "attributes",
    [
        {},
        {"http.request.method": "POST"},
        MODEL,
        *(
            {"gen_ai.operation.name": operation, **MODEL, **USED}
            for operation in (
                "invoke_agent",
                "create_agent",
                "invoke_workflow",
                "execute_tool",
                "execute_task",
                "embeddings",
                "retrieval",
                "plan",
                "agent_step",
                "rerank",
                "something of next year's",
            )
        ),
        {"gen_ai.operation.name": ["chat"], **MODEL},
        {"llm.request.type": "embedding", **MODEL, **USED},
        {"llm.request.type": "rerank", **MODEL, **USED},
        *(
            {"openinference.span.kind": kind, **MODEL, **USED}
            for kind in ("CHAIN", "AGENT", "TOOL", "EMBEDDING", "RETRIEVER", "RERANKER", "GUARDRAIL", "DECISION")
        ),
        *(
            {"langfuse.observation.type": kind, **MODEL, **USED}
            for kind in ("span", "agent", "tool", "chain", "event", "embedding", "retriever")
        ),
        {"ai.operationId": "ai.generateText", **MODEL, **USED},
        {"ai.operationId": "ai.embed.doEmbed", **MODEL, **USED},
        {"traceloop.span.kind": "workflow", **MODEL, **USED},
        {"traceloop.span.kind": "task", **MODEL, **USED},
    ],
)
def test_anything_else_is_ignored_and_counted(attributes: dict[str, Any]) -> None:
    found = found_in(Emitted(attributes=attributes), Emitted(attributes=chat(), span_id="ab" * 8))
    assert len(found.documents) == 1
    assert found.ignored == {"not_a_generation": 1}


def test_an_agents_span_adds_no_usage_to_its_calls() -> None:
    agent = {"gen_ai.operation.name": "invoke_agent", **MODEL, "gen_ai.usage.input_tokens": 80}
    found = found_in(
        Emitted(attributes=agent, span_id="aa" * 8),
        Emitted(attributes=chat(), span_id="bb" * 8, parent_id="aa" * 8),
        Emitted(attributes=chat(), span_id="cc" * 8, parent_id="aa" * 8),
    )
    assert [one["usage"]["prompt"] for one in found.documents] == [40, 40]


def test_of_a_streamed_call_in_two_spans_of_logfires_the_second_counts() -> None:
    opening = {name: value for name, value in chat().items() if "output" not in name and "usage" not in name}
    closing = {**chat(), "gen_ai.response.id": "chatcmpl-0123456789abcdef", "duration": 1.5}
    found = found_in(
        Emitted(attributes=opening, span_id="aa" * 8, scope="logfire.openai", name="Chat Completion with 'm'"),
        Emitted(
            attributes=closing,
            span_id="bb" * 8,
            scope="logfire.openai",
            name="streaming response from {request_data[model]!r} took {duration:.2f}s",
            milliseconds=0,
        ),
    )
    [document] = found.documents
    assert found.ignored == {"stream_opening": 1}
    assert (document["id"], document["streamed"], document["latency_ms"]) == ("chatcmpl-0123456789abcdef", True, 1500)


def test_a_failed_call_of_logfires_is_no_opening() -> None:
    failed = {name: value for name, value in chat().items() if "output" not in name and "usage" not in name}
    [document] = found_in(Emitted(attributes=failed, scope="logfire.openai", failed=True)).documents
    assert document["finish_reason"] == "error"
