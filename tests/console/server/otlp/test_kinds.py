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
        {"llm.request.type": "acompletion"},  # LiteLLM's tracing, without content and with it
        {"llm.request.type": "aresponses", "gen_ai.operation.name": "aresponses"},
        {"gen_ai.operation.name": "anthropic_messages"},
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
        {"llm.request.type": "aembedding", **MODEL, **USED},
        {"llm.request.type": ["chat"], **MODEL, **USED},
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


WITHOUT_OUTPUT = {name: value for name, value in chat().items() if "output" not in name and "usage" not in name}


@pytest.mark.parametrize("scope", ["tests", "logfire.openai"])
@pytest.mark.parametrize("more", [{}, {"gen_ai.usage.input_tokens": 40}, {"error.type": "RateLimitError"}])
def test_a_call_that_failed_without_an_answer_is_no_generation(scope: str, more: dict[str, Any]) -> None:
    found = found_in(Emitted(attributes=WITHOUT_OUTPUT | more, scope=scope, failed=True))
    assert (list(found.documents), found.ignored, found.without_text) == ([], {"failed": 1}, 0)
    of_langfuse = {**WITHOUT_OUTPUT, **more, "langfuse.observation.level": "ERROR"}
    assert found_in(Emitted(attributes=of_langfuse)).ignored == {"failed": 1}


@pytest.mark.parametrize("broken_off", [chat(), WITHOUT_OUTPUT | {"gen_ai.usage.output_tokens": 3}])
def test_a_stream_that_broke_off_is_a_generation(broken_off: dict[str, Any]) -> None:
    found = found_in(Emitted(attributes=broken_off, failed=True))
    assert [document["finish_reason"] for document in found.documents] == ["error"]
    assert found.ignored == {}


def test_a_call_that_is_tried_again_is_the_one_generation_that_answered() -> None:
    around = Emitted(attributes=chat(), span_id="aa" * 8)
    first = Emitted(attributes=WITHOUT_OUTPUT, span_id="bb" * 8, parent_id="aa" * 8, failed=True)
    second = Emitted(attributes=chat(), span_id="cc" * 8, parent_id="aa" * 8)
    found = found_in(around, first, second)
    assert [document["finish_reason"] for document in found.documents] == [None]
    assert found.ignored == {"seen_twice": 1, "failed": 1}
