"""POST /v1/generations: four shapes of a body, a result for each generation, and a retry that changes nothing."""

from sqlalchemy import Engine

from tests.console.server.conftest import Tenant
from tests.console.server.serving import Caller, said
from tests.worker.line_stage import batch, rows, wire

OF_ONE = "select id, app, user_id from generations where workspace = :workspace order by id"


def test_one_generation_is_in_postgres_when_it_is_answered(shop: Caller, tenant: Tenant, shared_engine: Engine) -> None:
    answer = shop.post(said(id="1", user="u-17"))
    assert answer.status_code == 200
    assert answer.json() == {
        "results": [{"id": "1", "status": "recorded"}],
        "recorded": 1,
        "known": 0,
        "rejected": 0,
    }
    assert rows(shared_engine, OF_ONE, workspace=tenant.workspace) == [("1", "shop", "u-17")]


def test_a_retry_of_the_same_ids_changes_nothing(shop: Caller, tenant: Tenant, shared_engine: Engine) -> None:
    sent = [said(id="1"), said(id="2", app="desk")]
    assert shop.post(sent).json()["recorded"] == 2
    again = shop.post({"generations": [*sent, said(id="3")]}).json()
    assert [one["status"] for one in again["results"]] == ["known", "known", "recorded"]
    assert rows(shared_engine, OF_ONE, workspace=tenant.workspace) == [
        ("1", "shop", None),
        ("2", "desk", None),
        ("3", "shop", None),
    ]


def test_a_batch_of_the_hooks_is_recorded_with_the_losses_it_reports(
    shop: Caller, tenant: Tenant, shared_engine: Engine
) -> None:
    sent = batch(wire("1", workspace=tenant.workspace), wire("2", workspace=None), dropped={"buffer_full": 7})
    assert shop.post(sent).json()["recorded"] == 2
    assert rows(shared_engine, "select reason, generations from losses where reason = 'buffer_full'") == [
        ("buffer_full", 7)
    ]


def test_another_workspace_than_the_keys_is_rejected_for_that_generation_alone(
    shop: Caller, tenant: Tenant, shared_engine: Engine
) -> None:
    answer = shop.post([said(id="1", workspace="elsewhere"), said(id="2", workspace=tenant.workspace)]).json()
    assert [one["status"] for one in answer["results"]] == ["rejected", "recorded"]
    assert answer["results"][0]["reason"].startswith(f"workspace: the key is for {tenant.workspace!r}")
    assert rows(shared_engine, "select id from workspaces where id = 'elsewhere'") == []


def test_a_cost_that_is_left_out_is_estimated_from_what_is_told(
    shop: Caller, tenant: Tenant, shared_engine: Engine
) -> None:
    told = {"model": "gpt-4o", "usage": {"prompt_tokens": 1_000, "completion_tokens": 100}}
    sent = [said(id="1", **told), said(id="2", **told, cost_usd=0.5), said(id="3", **told, provider="ollama")]
    assert shop.post(sent).json()["recorded"] == 3
    found = "select cost_usd::float8, cost_source from generations where workspace = :workspace order by id"
    assert rows(shared_engine, found, workspace=tenant.workspace) == [
        (0.0035, "estimated"),
        (0.5, "reported"),
        (None, None),
    ]
