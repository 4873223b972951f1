"""Real OpenTelemetry emitters and a real `aftertag serve`: what they watched stands in Postgres, every call once."""

import json
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, text

from tests.console.server.conftest import Tenant
from tests.console.server.serving import Server
from tests.others.provider import Provider
from tests.others.pythons import environment, python_with

EXAMPLES = Path(__file__).parents[2] / "examples"
TOLD = [["system", "Be brief."], ["user", "Weather in Bern?"], ["assistant", "You said: Weather in Bern?"]]
ASKED = [["system", "Be brief."], ["user", "Weather in Bern? play: tool"]]
CALLED = [*ASKED, ["tool_call", '{"q": "weather in Bern"}']]
HEARD = [*CALLED, ["tool_result", "sunny"], ["assistant", "You said: sunny"]]

pytestmark = pytest.mark.once


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """What a program's SDK said of its calls, and what of them stands in Postgres, in their order."""

    told: dict[str, Any]
    requests: int
    rows: list[Any]

    def of(self, column: str) -> list[Any]:
        return [getattr(row, column) for row in self.rows]


@pytest.fixture(scope="module")
def others() -> Path:
    return python_with("otel")


@pytest.fixture
def provider() -> Iterator[Provider]:
    with Provider() as running:
        yield running


def watch(
    program: Sequence[str],
    others: Path,
    provider: Provider,
    server: Server,
    tenant: Tenant,
    engine: Engine,
    **more: str,
) -> Watched:
    """Run the program and read what came of it: it ends only when its exporter has been answered."""
    given = {
        "PROVIDER_URL": provider.url,
        "OPENAI_BASE_URL": f"{provider.url}/v1",
        "OPENAI_API_KEY": "none",
        "OTEL_RESOURCE_ATTRIBUTES": "deployment.environment.name=staging",
        "OTEL_SEMCONV_STABILITY_OPT_IN": "gen_ai_latest_experimental",
        "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT": "SPAN_ONLY",
        **variables(server, tenant),
        **more,
    }
    ran = subprocess.run([others, *program], env=environment(**given), capture_output=True, text=True, timeout=100)
    assert ran.returncode == 0, ran.stderr[-3000:]
    assert "Failed to export" not in ran.stderr, ran.stderr[-3000:]
    said = ran.stdout.splitlines()[-1]
    return Watched(
        told=json.loads(said) if said.startswith("{") else {"answer": said},
        requests=len(provider.requests),
        rows=_recorded(engine, tenant.workspace),
    )


def watch_emitter(name: str, *where: Any, **more: str) -> Watched:
    return watch(["-m", f"tests.others.emitters.{name}"], *where, **more)


def variables(server: Server, tenant: Tenant) -> dict[str, str]:
    """What the documentation tells to set, with this server's address and this tenant's key."""
    written = (EXAMPLES / "opentelemetry.env").read_text()
    written = written.replace("http://localhost:8787", server.url).replace("YOUR_KEY", tenant.token)
    lines = [line.partition("=") for line in written.splitlines() if not line.startswith("#")]
    return {name: value.strip('"') for name, _, value in lines}


def _recorded(engine: Engine, workspace: str) -> list[Any]:
    with engine.connect() as connection:
        found = connection.execute(
            text("""
            select g.id, g.model, g.provider, g.prompt_tokens, g.completion_tokens, g.finish_reason, g.streamed,
                   g.user_id, g.session_id, g.app, g.metadata, t.tools,
                   (select json_agg(json_build_array(one->0, one->1)) from jsonb_array_elements(t.turns) one) as turns
            from generations g
            left join transcripts t on (t.workspace, t.generation_id, t.created_at) = (g.workspace, g.id, g.created_at)
            where g.workspace = :workspace order by g.created_at
            """),
            {"workspace": workspace},
        )
        return list(found)


@pytest.mark.timeout(1_200)  # the first of them waits for the packages
@pytest.mark.parametrize(
    "emitter", ["openllmetry", "openinference_openai", "official", "logfire_openai", "langfuse_openai"]
)
def test_an_openai_clients_calls_are_each_one_generation(
    emitter: str, others: Path, provider: Provider, server: Server, tenant: Tenant, shared_engine: Engine
) -> None:
    found = watch_emitter(emitter, others, provider, server, tenant, shared_engine)
    assert found.requests == 5
    said = [[[kind, words.strip().replace('":"', '": "')] for kind, words in turns] for turns in found.of("turns")]
    assert said == [TOLD, CALLED, HEARD, TOLD]  # and not the fifth, which the provider refused
    assert sum(filter(None, found.of("prompt_tokens"))) == found.told["prompt"]
    assert sum(filter(None, found.of("completion_tokens"))) == found.told["completion"]
    assert set(found.of("model")) == {"gpt-5-mini"}
    assert set(found.of("app")) == {"helpdesk"}
    assert found.of("streamed") == [False, False, True, False]
    assert found.of("tools")[1] == ["weather"]
    assert {one["environment"] for one in found.of("metadata")} == {"staging"}
    if emitter != "langfuse_openai":  # it does not tell the response's id
        assert found.of("id") == found.told["ids"]
    if emitter in ("openinference_openai", "langfuse_openai"):
        assert set(found.of("session_id")) == {"s-1"}
        assert set(found.of("user_id")) == {"u-17"}
    if emitter == "openllmetry":
        assert found.of("user_id")[0] == "u-17"


@pytest.mark.timeout(1_200)
@pytest.mark.parametrize(
    "emitter",
    [
        "langgraph_openinference",
        "langgraph_openllmetry",
        "langgraph_twice",
        "langgraph_one_by_one",
        "langgraph_with_attribution",
        "langgraph_siblings_with_attribution",
        "pydantic_agent",
    ],
)
def test_an_agents_model_calls_are_generations_and_its_own_spans_add_nothing(
    emitter: str, others: Path, provider: Provider, server: Server, tenant: Tenant, shared_engine: Engine
) -> None:
    found = watch_emitter(emitter, others, provider, server, tenant, shared_engine)
    assert found.requests == 2
    assert found.of("turns") == [CALLED, HEARD]
    assert sum(found.of("prompt_tokens")) == found.told["prompt"]
    assert sum(found.of("completion_tokens")) == found.told["completion"]
    assert set(found.of("model")) == {"gpt-5-mini"}
    assert found.of("tools") == [["weather"], ["weather"]]
    if emitter == "pydantic_agent":
        assert len(set(found.of("session_id"))) == 1
        assert {one["agent"] for one in found.of("metadata")} == {"helper"}


def hooked(server: Server, tenant: Tenant) -> dict[str, str]:
    """What lets the hook send to the same server."""
    return {"AFTERTAG_URL": server.url, "AFTERTAG_KEY": tenant.token, "AFTERTAG_WORKSPACE": tenant.workspace}


@pytest.mark.timeout(1_200)
def test_langfuses_wrapper_beside_the_hook_leaves_one_generation_of_each_call(
    others: Path, provider: Provider, server: Server, tenant: Tenant, shared_engine: Engine
) -> None:
    more = hooked(server, tenant)
    found = watch_emitter("langfuse_beside_the_hook", others, provider, server, tenant, shared_engine, **more)
    assert found.of("id")[:-1] == found.told["ids"]
    assert sum(found.of("prompt_tokens")[:-1]) == found.told["prompt"]
    assert found.of("finish_reason")[-1] == "abandoned"
    assert found.of("session_id") == ["s-1"] * 5  # which only Langfuse knew
    assert {one["environment"] for one in found.of("metadata")} == {"staging"}


@pytest.mark.timeout(1_200)
@pytest.mark.parametrize("emitter", ["langgraph_beside_the_hook", "langgraph_beside_the_hook_in_a_loop"])
def test_an_agent_that_streams_beside_the_hook_leaves_one_generation_of_each_call(
    emitter: str, others: Path, provider: Provider, server: Server, tenant: Tenant, shared_engine: Engine
) -> None:
    found = watch_emitter(emitter, others, provider, server, tenant, shared_engine, **hooked(server, tenant))
    assert found.requests == 2
    assert found.of("turns") == [CALLED, HEARD]
    assert sum(found.of("prompt_tokens")) == found.told["prompt"]


@pytest.mark.timeout(1_200)
def test_calls_that_overlap_in_one_thread_are_each_one_generation(
    others: Path, provider: Provider, server: Server, tenant: Tenant, shared_engine: Engine
) -> None:
    found = watch_emitter("overlapping", others, provider, server, tenant, shared_engine, **hooked(server, tenant))
    assert set(found.of("id")) >= set(found.told["ids"])
    assert len(found.rows) == found.requests == len({json.dumps(turns) for turns in found.of("turns")})


@pytest.mark.timeout(1_200)
@pytest.mark.parametrize("also_the_sdk", ["", "yes"])
def test_calls_that_the_provider_refuses_are_none_and_hide_none(
    also_the_sdk: str, others: Path, provider: Provider, server: Server, tenant: Tenant, shared_engine: Engine
) -> None:
    where = (others, provider, server, tenant, shared_engine)
    found = watch_emitter("langchain_failures", *where, ALSO_THE_SDK=also_the_sdk)
    assert found.requests == 4
    assert found.of("turns") == [TOLD]
    assert (found.of("prompt_tokens"), found.of("finish_reason")) == ([found.told["prompt"]], ["stop"])


@pytest.mark.timeout(1_200)
def test_the_anthropic_sdks_own_tracing(
    others: Path, provider: Provider, server: Server, tenant: Tenant, shared_engine: Engine
) -> None:
    found = watch_emitter("anthropic_sdk", others, provider, server, tenant, shared_engine)
    [row] = found.rows
    assert (row.id, row.provider, row.session_id) == (found.told["ids"][0], "127.0.0.1", "s-1")
    assert (row.prompt_tokens, row.completion_tokens) == (found.told["prompt"], found.told["completion"])
    assert row.turns == TOLD


@pytest.mark.timeout(1_200)
def test_an_emitter_that_captures_no_text_is_recorded_with_its_usage(
    others: Path, provider: Provider, server: Server, tenant: Tenant, shared_engine: Engine
) -> None:
    hidden = {"OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT": "NO_CONTENT"}
    found = watch_emitter("official", others, provider, server, tenant, shared_engine, **hidden)
    assert found.of("turns") == [None] * 4
    assert sum(filter(None, found.of("prompt_tokens"))) == found.told["prompt"]
    assert {one["text"] for one in found.of("metadata")} == {"not captured by the sender"}


@pytest.mark.timeout(1_200)
@pytest.mark.parametrize("example", ["langgraph_agent", "pydantic_ai_agent", "logfire_openai"])
def test_the_lines_of_the_documentation_hand_over_one_generation(
    example: str, others: Path, provider: Provider, server: Server, tenant: Tenant, shared_engine: Engine
) -> None:
    found = watch([str(EXAMPLES / f"{example}.py")], others, provider, server, tenant, shared_engine)
    [row] = found.rows
    assert row.turns == [["user", "Why is the sky blue?"], ["assistant", found.told["answer"]]]
    assert (row.app, row.model) == ("helpdesk", "gpt-5-mini")
    if example == "langgraph_agent":
        assert (row.user_id, row.session_id, row.metadata["team"]) == ("u-17", "s-1", "red")
    assert found.requests == 1
