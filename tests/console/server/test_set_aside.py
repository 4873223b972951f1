"""What is rejected of a hook's batch is kept for the operator; what another caller sends is told to the caller alone."""

from sqlalchemy import Engine

from tests.console.server.conftest import Tenant
from tests.console.server.serving import Caller, said
from tests.worker.line_stage import batch, rows, wire

ASIDE = "select workspace, error from set_aside where workspace = :w"


def test_a_generation_of_a_hooks_batch_that_cannot_be_recorded_is_set_aside(
    shop: Caller, tenant: Tenant, shared_engine: Engine
) -> None:
    answer = shop.post(batch(wire("good", workspace=None), wire("bad", workspace=None, turns=[["nobody", "x"]])))
    assert [one["status"] for one in answer.json()["results"]] == ["recorded", "rejected"]
    ((workspace, error),) = rows(shared_engine, ASIDE, w=tenant.workspace)
    assert (workspace, error.split(".")[0]) == (tenant.workspace, "turns")


def test_what_names_another_workspace_is_never_set_aside_from_where_a_replay_would_put_it_there(
    shop: Caller, shared_engine: Engine
) -> None:
    foreign = {"v": 1, "generations": [wire("x", workspace="victims")], "feedback": [{"workspace": "victims"}]}
    assert shop.post(foreign).json()["rejected"] == 1
    found = rows(shared_engine, "select id from set_aside where position('victims'::bytea in body) > 0")
    assert found == []


def test_a_caller_of_the_api_hears_of_it_and_nothing_is_set_aside(
    shop: Caller, tenant: Tenant, shared_engine: Engine
) -> None:
    answer = shop.post([said(created_at="2001-01-01T00:00:00Z"), {}]).json()
    assert answer["results"][0]["reason"].startswith("created_at: 2001-01-01 is implausible")
    assert answer["rejected"] == 2
    assert rows(shared_engine, ASIDE, w=tenant.workspace) == []
