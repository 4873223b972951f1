"""A classifier's endpoint is a gateway that reports all its traffic back to us: our own calls must not come round again."""

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from classifier_models import marker
from tests.acceptance.samples import WORKSPACE
from tests.acceptance.stage import Stage, stage_of
from tests.console.server.serving import Server, serving
from tests.model_server import ModelServer
from tests.others.litellm import Proxy, proxy
from tests.waiting import wait_until
from worker.store import keys
from worker.store.engine import connecting

GENERATIONS = 100
HIDDEN_GENERATIONS = 20
PASSED_ON = "messages, passed on"
"""To the provider's own address behind the gateway, as it is."""

BASE = {"chat": "/v1", "messages": "", "systemone": "/v1", PASSED_ON: "/anthropic"}
CALLBACK = "api_hooks.integrations.litellm.callback"
WEBHOOK = "aftertag"

# LiteLLM leaves a system prompt in blocks, as the messages dialect sends it, out of what it reports: there only the
# header tells, and it has to in each report by itself. Decisions are reported as a type of call that is no generation.
WAYS = [
    ("chat", (CALLBACK, WEBHOOK)),
    ("messages", (WEBHOOK,)),
    ("messages", (CALLBACK,)),
    ("systemone", (CALLBACK, WEBHOOK)),
    (PASSED_ON, (CALLBACK, WEBHOOK)),
]

pytestmark = [pytest.mark.timeout(300), pytest.mark.once]


@pytest.fixture
def stage(database_url: str, redis_db_url: str, model_server: ModelServer, tmp_path: Path) -> Iterator[Stage]:
    with stage_of(database_url, redis_db_url, model_server, tmp_path) as made:
        yield made


@pytest.fixture
def server(stage: Stage, tmp_path: Path) -> Iterator[Server]:
    with serving(stage.database.url, stage.redis_url, tmp_path) as made:
        yield made


@contextmanager
def gateway(
    stage: Stage, server: Server, directory: Path, reporters: Sequence[str], **settings: Any
) -> Iterator[Proxy]:
    """A real LiteLLM proxy that reports every call: by our callback into Redis, by its webhook to our server, or by both."""
    with connecting(stage.database.url) as engine, engine.begin() as connection:
        key = keys.create_for_application(connection, WORKSPACE, "gateway", application="gateway").token
    base = stage.model_server.url.removesuffix("/v1")
    config: dict[str, Any] = {
        "model_list": [
            _model("assistant", "openai/gpt-5-mini", mock_response="It scatters."),
            _model("chat", "openai/test-model", api_base=f"{base}/v1"),
            _model("messages", "anthropic/claude-test", api_base=base),
            _model("systemone", "typesafe/jev", api_base=base),
        ],
        "litellm_settings": {"callbacks": list(reporters), **settings},
        "callback_settings": {
            WEBHOOK: {
                "callback_type": "generic_api",
                "endpoint": f"{server.url}/v1/litellm",
                "headers": {"Authorization": f"Bearer {key}"},
            }
        },
        "general_settings": {"master_key": "os.environ/LITELLM_MASTER_KEY"},
    }
    variables = {
        "AFTERTAG_URL": stage.redis_url,
        "AFTERTAG_WORKSPACE": WORKSPACE,
        "DEFAULT_FLUSH_INTERVAL_SECONDS": "1",
        "ANTHROPIC_API_BASE": base,
        "ANTHROPIC_API_KEY": "sk-none",
    }
    with proxy(json.dumps(config), directory / "gateway", **variables) as made:
        yield made


def _model(name: str, model: str, **more: str) -> dict[str, Any]:
    return {"model_name": name, "litellm_params": {"model": model, "api_key": "sk-none", **more}}


@pytest.mark.parametrize(("dialect", "reporters"), WAYS)
def test_a_hundred_generations_are_a_hundred_classifications_though_the_gateway_reports_every_call(
    dialect: str, reporters: Sequence[str], stage: Stage, server: Server, model_server: ModelServer, tmp_path: Path
) -> None:
    stage.classifier(endpoint="gateway", model=dialect.partition(",")[0])
    with gateway(stage, server, tmp_path, reporters) as through:
        _classify_through(through, stage, dialect)
        database, told = stage.database, 0 if dialect == "systemone" else 1
        ids = _talk(through, GENERATIONS - 1)
        _wait_until_tagged(stage, len(ids))
        ids += _talk(through, 1)  # once this one is reported, all calls about the others have been
        _wait_until_tagged(stage, len(ids))
        wait_until(lambda: database.whys()["own_call"] >= told * GENERATIONS, deadline_seconds=60, what="all reports")
    stage.wait_until_final(GENERATIONS)
    assert database.whys() == Counter(tagged=GENERATIONS, own_call=told * GENERATIONS)
    assert model_server.play.total == GENERATIONS
    assert database.count("generations") == GENERATIONS
    assert {id_ for id_, seen in database.classifications().items() if seen.state == "tagged"} == set(ids)
    assert database.value("select sum(prompt_tokens + completion_tokens) from generations") == 30 * GENERATIONS
    assert database.value("select count(*) from spend where payer_kind = 'classifier'") == GENERATIONS
    assert database.count("set_aside") == 0


@pytest.mark.parametrize(
    ("dialect", "reporter", "left_out"),
    [
        ("messages", CALLBACK, []),
        (PASSED_ON, WEBHOOK, []),
        ("chat", WEBHOOK, ["metadata"]),  # which has the headers: the program's name is left, among the tags
    ],
)
def test_a_gateway_that_hides_all_text_makes_nothing_of_ours_a_generation_and_hides_nobodys_who_writes_our_marks(
    dialect: str,
    reporter: str,
    left_out: list[str],
    stage: Stage,
    server: Server,
    model_server: ModelServer,
    tmp_path: Path,
) -> None:
    """The generations are handed over by the applications' own hook: a gateway's reports without text are never tagged."""
    stage.classifier(endpoint="gateway", model=dialect.partition(",")[0])
    hidden = {"turn_off_message_logging": True, "standard_logging_payload_excluded_fields": left_out}
    with gateway(stage, server, tmp_path, [reporter], **hidden) as through:
        _classify_through(through, stage, dialect)
        database = stage.database
        stage.publish(*(f"g{number}" for number in range(HIDDEN_GENERATIONS)))
        _wait_until_tagged(stage, HIDDEN_GENERATIONS)
        [forged] = _talk(through, 1, **marker.headers("0" * 16))
        wait_until(lambda: database.count("classifications") > 2 * HIDDEN_GENERATIONS, what="all reports")
    stage.wait_until_final(2 * HIDDEN_GENERATIONS + 1)
    assert database.whys() == Counter(tagged=HIDDEN_GENERATIONS, own_call=HIDDEN_GENERATIONS, unproven_own_call=1)
    assert database.value("select prompt_tokens from generations where id = %(id)s", {"id": forged}) == 10
    assert model_server.play.total == HIDDEN_GENERATIONS
    assert database.count("generations") == HIDDEN_GENERATIONS + 1
    assert database.value("select count(*) from spend where payer_kind = 'classifier'") == HIDDEN_GENERATIONS
    assert database.count("set_aside") == 0


def _classify_through(through: Proxy, stage: Stage, dialect: str) -> None:
    """Start a worker that asks the gateway."""
    stage.worker(
        others={
            "AFTERTAG_ENDPOINT_GATEWAY_URL": through.url + BASE[dialect],
            "AFTERTAG_ENDPOINT_GATEWAY_KEY": through.master_key,
            "AFTERTAG_ENDPOINT_GATEWAY_DIALECT": dialect.partition(",")[0],
        },
        calls_in_flight="8",  # the gateway and all else share this machine
        call_timeout_seconds="30",
    )
    stage.beat()


def _wait_until_tagged(stage: Stage, generations: int) -> None:
    def tagged() -> bool:
        return stage.database.whys()["tagged"] >= generations

    wait_until(tagged, deadline_seconds=120, what=f"{generations} tagged generations")


def _talk(through: Proxy, times: int, **headers: str) -> list[str]:
    """Let an application make its calls through the gateway; return the ids that it sees."""
    headers |= {"Authorization": f"Bearer {through.master_key}"}
    with httpx.Client(base_url=through.url, headers=headers, timeout=60, trust_env=False) as client:

        def ask(number: int) -> str:
            said = {"role": "user", "content": f"Why is the sky blue? ({number})"}
            answer = client.post("/v1/chat/completions", json={"model": "assistant", "messages": [said]})
            return str(answer.raise_for_status().json()["id"])

        with ThreadPoolExecutor(8) as threads:
            return list(threads.map(ask, range(times)))
