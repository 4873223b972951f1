"""A real LiteLLM proxy, set up as the examples say: every call through it is one generation, whoever reports it."""

import json
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import redis
import yaml

from tests.acceptance.processes import Process
from tests.acceptance.reading import Database
from tests.conftest import database
from tests.console.server.serving import serving
from tests.others import litellm
from tests.others.provider import Provider
from tests.waiting import wait_until
from worker.store import keys, workspaces
from worker.store.engine import connecting

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "tests" / "examples"
CALLBACK, WEBHOOK = "litellm_proxy.yaml", "litellm_proxy_webhook.yaml"
CALLS = (
    *("chat", "chat stream", "mocked", "mocked stream", "claude", "text"),
    *("responses", "responses stream", "messages", "m stream", "passed on", "passed on stream"),
)
BRIDGED = "bridged"
QUERY = """
    select g.id, user_id as user, api_key_name, app, streamed, model, prompt_tokens, completion_tokens,
           cost_usd::float8 as cost_usd, metadata, turns
    from generations g left join transcripts t on t.workspace = g.workspace and t.generation_id = g.id
"""

pytestmark = [pytest.mark.timeout(300), pytest.mark.once]


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What the callers of a proxy saw, by end user, and what was recorded of their calls."""

    seen: Mapping[str, str | None]
    recorded: list[dict[str, Any]]
    log: str

    def of(self, user: str) -> dict[str, Any]:
        [found] = [one for one in self.recorded if one["user"] == user]
        return found


@pytest.fixture(scope="module")
def provider() -> Iterator[Provider]:
    with Provider() as made:
        yield made


@pytest.fixture(scope="module")
def services(
    postgres_url: str, migrated_template: str, module_redis_url: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator["Services"]:
    with database(postgres_url, template=migrated_template) as database_url:
        folder = tmp_path_factory.mktemp("litellm")
        yield Services(database_url=database_url, redis_url=module_redis_url, folder=folder)


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """Postgres and Redis for one run after the other; each has a workspace of its own."""

    database_url: str
    redis_url: str
    folder: Path

    def run(self, workspace: str, provider: Provider, *examples: str, hooked: bool = False) -> Run:
        """Let the callers call through a proxy that is set up as these examples say, all in one."""
        folder = self.folder / workspace
        folder.mkdir()
        with connecting(self.database_url) as engine, engine.begin() as connection:
            workspaces.create(connection, workspace)
            key = keys.create_for_application(connection, workspace, "gateway", application="gateway").token
        with ExitStack() as stack:
            client = stack.enter_context(redis.Redis.from_url(self.redis_url))
            client.flushdb()
            server = stack.enter_context(serving(self.database_url, self.redis_url, folder))
            stack.enter_context(_recording(self.database_url, self.redis_url, folder))
            hook = {"AFTERTAG_URL": self.redis_url, "AFTERTAG_WORKSPACE": workspace}
            proxy = stack.enter_context(
                litellm.proxy(
                    _config(provider, *examples),
                    folder / "proxy",
                    files={"virtual_keys.py": (ROOT / "tests" / "others" / "litellm_auth.py").read_text()},
                    **hook,
                    AFTERTAG_KEY=key,
                    AFTERTAG_LITELLM_URL=f"{server.url}/v1/litellm",
                    DEFAULT_FLUSH_INTERVAL_SECONDS="1",
                    OPENAI_API_KEY="sk-none",
                    OPENAI_BASE_URL=f"{provider.url}/v1",
                    ANTHROPIC_API_KEY="sk-none",
                    ANTHROPIC_API_BASE=provider.url,
                )
            )
            refused = self._refused()
            seen = _call(proxy, hook, last=workspace, hooked=hooked)
            if CALLBACK in examples:
                wait_until(
                    lambda: workspace in {one["user"] for one in self.recorded("research")},
                    deadline_seconds=40,
                    what="the last call, by the callback",
                )
            if WEBHOOK in examples:
                wait_until(lambda: self._refused() > refused, deadline_seconds=40, what="the last call, by the webhook")
            wait_until(lambda: client.llen("record") == 0, what="an empty queue")
            wait_until(
                lambda: {one["user"] for one in self.recorded(workspace)} >= set(seen),
                what="a generation of every user",
            )
            return Run(seen=seen, recorded=self.recorded(workspace), log=proxy.log)

    def _refused(self) -> int:
        """The generations of a virtual key that names another workspace than the webhook's key is for."""
        query = "select coalesce(sum(generations), 0) from losses where reason = 'other_workspace'"
        return int(Database(self.database_url).value(query))

    def recorded(self, workspace: str) -> list[dict[str, Any]]:
        found = Database(self.database_url).value(
            f"select coalesce(json_agg(x), '[]') from ({QUERY} where g.workspace = %(workspace)s) x",  # noqa: S608
            {"workspace": workspace},
        )
        return list(found)


@contextmanager
def _recording(database_url: str, redis_url: str, folder: Path) -> Iterator[None]:
    environ = {"AFTERTAG_DATABASE_URL": database_url, "AFTERTAG_REDIS_URL": redis_url}
    worker = Process("worker", environ, folder / "worker.log")
    try:
        worker.wait_until_ready()
        yield
    finally:
        worker.kill()


def _config(provider: Provider, *examples: str) -> str:
    """The examples' settings, put together, with more models and with keys."""
    whole: dict[str, Any] = {}
    callbacks: list[str] = []
    for example in examples:
        settings = yaml.safe_load((EXAMPLES / example).read_text())
        named = settings["litellm_settings"]["callbacks"]
        callbacks += named if isinstance(named, list) else [named]
        whole |= settings
    if len(examples) > 1:
        whole["litellm_settings"] = {"callbacks": callbacks}
    openai = {"model": "openai/gpt-5-mini", "api_key": "sk-none"}
    more = {
        "mocked": {**openai, "mock_response": "Mocked."},
        "claude": {"model": "anthropic/claude-sonnet-4-5", "api_key": "sk-none", "api_base": provider.url},
        "embedding": {"model": "openai/text-embedding-3-small", "api_key": "sk-none", "mock_response": [0.1]},
    }
    whole["model_list"] += [{"model_name": name, "litellm_params": params} for name, params in more.items()]
    whole["general_settings"]["custom_auth"] = "virtual_keys.auth"
    return yaml.safe_dump(whole)


def _call(proxy: litellm.Proxy, hook: Mapping[str, str], *, last: str, hooked: bool) -> dict[str, str | None]:
    ended = subprocess.run(
        [litellm.python(), "-m", "tests.acceptance.litellm_callers", proxy.url, last] + (["hooked"] if hooked else []),
        cwd=ROOT,
        env=litellm.environ(**(hook if hooked else {})),
        capture_output=True,
        text=True,
        timeout=100,
    )
    assert ended.returncode == 0, ended.stderr[-4_000:] + proxy.log[-2_000:]
    return dict(json.loads(ended.stdout.splitlines()[-1]))


@pytest.fixture(scope="module")
def by_callback(services: Services, provider: Provider) -> Run:
    return services.run("by-callback", provider, CALLBACK)


@pytest.fixture(scope="module")
def by_webhook(services: Services, provider: Provider) -> Run:
    return services.run("by-webhook", provider, WEBHOOK)


@pytest.fixture(scope="module")
def by_all(services: Services, provider: Provider) -> Run:
    """Callback and webhook at once, and the hook in the caller's OpenAI SDK beside them."""
    return services.run("by-all", provider, CALLBACK, WEBHOOK, hooked=True)


@pytest.fixture(params=["by_callback", "by_webhook", "by_all"])
def run(request: pytest.FixtureRequest) -> Run:
    found: Run = request.getfixturevalue(request.param)
    return found


def test_every_call_is_one_generation_named_as_its_caller_sees_it(run: Run) -> None:
    """Embeddings and failed calls are none."""
    found = [(one["user"], one["id"]) for one in run.recorded if one["user"] != BRIDGED]
    assert sorted(found) == sorted((user, id_) for user, id_ in run.seen.items() if user != BRIDGED)
    assert set(run.seen) == {*CALLS, BRIDGED}


def test_only_a_responses_call_of_another_providers_model_has_no_id_in_common_behind_a_proxy_that_encrypts_ids(
    by_callback: Run, by_webhook: Run, by_all: Run
) -> None:
    """LiteLLM reports it as the chat completion that it made of it; `disable_responses_id_security` mends that."""
    for run, count in ((by_callback, 1), (by_webhook, 1), (by_all, 2)):
        assert len([one for one in run.recorded if one["user"] == BRIDGED]) == count


def test_a_virtual_key_names_its_workspace_to_the_callback_and_never_to_the_webhook(
    services: Services, by_callback: Run, by_webhook: Run
) -> None:
    """Redis is trusted for every workspace; a webhook's key is for one."""
    found = {one["user"]: one["api_key_name"] for one in services.recorded("research")}
    assert found["by-callback"] == "research-key"
    assert "by-webhook" not in found


@pytest.mark.parametrize("user", CALLS)
def test_key_team_and_what_was_said_are_kept(user: str, by_callback: Run, by_webhook: Run) -> None:
    for run in (by_callback, by_webhook):
        found = run.of(user)
        assert found["api_key_name"] == "helpdesk-key"
        assert {name: found["metadata"][name] for name in ("team", "team_id", "key_user")} == {
            "team": "support",
            "team_id": "team-7",
            "key_user": "u-owner",
        }
        assert [kind for kind, *_ in found["turns"]][-2:] == ["user", "assistant"]
        assert found["turns"][-1][1]
        assert found["streamed"] == ("stream" in user)


def test_usage_and_cost_are_kept(by_callback: Run, by_webhook: Run) -> None:
    for run in (by_callback, by_webhook):
        for user in (
            *("chat", "chat stream", "responses stream", "messages", "m stream", "claude"),
            *("passed on", "passed on stream"),
        ):
            found = run.of(user)
            assert found["prompt_tokens"] > 0, user
            assert found["completion_tokens"] > 0, user
            assert found["cost_usd"] > 0, user


@pytest.mark.parametrize(
    "user", ["chat", "responses", "messages", "m stream", "claude", "passed on", "passed on stream"]
)
def test_the_system_prompt_is_kept(user: str, by_callback: Run, by_webhook: Run) -> None:
    for run in (by_callback, by_webhook):
        assert run.of(user)["turns"][0][:2] == ["system", "Be brief."]


def test_the_application_is_the_one_that_its_header_names(by_callback: Run, by_webhook: Run) -> None:
    assert by_callback.of("chat")["app"] == by_webhook.of("chat")["app"] == "Helpdesk"


def test_the_proxy_logs_no_trouble_with_us(run: Run) -> None:
    assert "/api_hooks/" not in run.log
    assert "Generic API Logger Error" not in run.log
