"""POST /v1/feedback: a score, a comment, or both, once each."""

from typing import Any

import pytest
from sqlalchemy import Engine, text

from tests.console.server.conftest import Tenant
from tests.console.server.serving import Caller
from tests.console.server.test_bodies import refused
from tests.worker.line_stage import batch, rows, wire

OF_ONE = "select id, generation_id, score, comment, user_id from feedback where workspace = :w order by id"


def post(shop: Caller, body: object) -> Any:
    answer = shop.post(body, path="/v1/feedback")
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_feedback_is_recorded_once_however_often_it_is_sent(
    shop: Caller, tenant: Tenant, shared_engine: Engine
) -> None:
    given = {"id": "f", "generation_id": "g", "score": 1, "comment": "Thanks!", "user": "ann"}
    assert post(shop, given) == {
        "results": [{"id": "f", "status": "recorded"}],
        "recorded": 1,
        "known": 0,
        "rejected": 0,
    }
    assert post(shop, [{**given, "score": -1}, {"generation_id": "g", "score": True}])["known"] == 1
    assert post(shop, {"feedback": [given]})["known"] == 1
    found = rows(shared_engine, OF_ONE, w=tenant.workspace)
    assert [row[1:] for row in found if row[0] == "f"] == [("g", 1.0, "Thanks!", "ann")]
    assert len(found) == 2


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"score": 1}, "It cannot be recorded: generation_id: "),
        ({"generation_id": "g"}, "It cannot be recorded: score: there is none, and no comment"),
        ({"generation_id": "g", "score": "much"}, "It cannot be recorded: score: "),
        ({"generation_id": "g", "score": 1, "workspace": "elsewhere"}, "It cannot be recorded: workspace: "),
        (7, "The body is neither feedback nor a list of it"),
    ],
)
def test_one_that_is_none_is_refused_with_its_reason(shop: Caller, given: object, told: str) -> None:
    assert refused(shop.post(given, path="/v1/feedback"), 422, "unreadable").startswith(told)


def test_of_several_the_others_go_in(shop: Caller) -> None:
    found = post(shop, [{"generation_id": "g", "score": 1}, {"generation_id": "g"}, "no"])
    assert [one["status"] for one in found["results"]] == ["recorded", "rejected", "rejected"]


def test_two_of_one_id_in_one_request_are_one(shop: Caller, tenant: Tenant, shared_engine: Engine) -> None:
    given = {"id": "f", "generation_id": "g", "score": 1}
    found = post(shop, [given, {**given, "score": -1, "created_at": said_at()}])
    assert [one["status"] for one in found["results"]] == ["recorded", "known"]
    assert [row[2] for row in rows(shared_engine, OF_ONE, w=tenant.workspace)] == [1.0]


def test_what_postgres_refuses_is_rejected_alone(shop: Caller, tenant: Tenant, shared_engine: Engine) -> None:
    with shared_engine.begin() as connection:
        connection.execute(text("alter table feedback add constraint no_17 check (score <> 17)"))
    sent = [{"id": str(number), "generation_id": "g", "score": 17 if number == 100 else 1} for number in range(130)]
    found = post(shop, sent)
    assert (found["recorded"], found["rejected"]) == (129, 1)
    assert found["results"][100] == {"id": "100", "status": "rejected", "reason": "Postgres refused it: CheckViolation"}
    assert len(rows(shared_engine, OF_ONE, w=tenant.workspace)) == 129


def test_a_batch_of_the_hooks_brings_feedback_along(shop: Caller, tenant: Tenant, shared_engine: Engine) -> None:
    about = {
        "id": "f",
        "workspace": None,
        "generation_id": "g",
        "created_at": said_at(),
        "score": 0.5,
        "comment": None,
        "user": None,
        "metadata": {},
    }
    answer = shop.post(batch(wire("g", workspace=None), feedback=[about, {**about, "id": "", "score": 2}])).json()
    assert answer["recorded"] == 1
    assert [one["status"] for one in answer["feedback"]["results"]] == ["recorded", "rejected"]
    assert rows(shared_engine, OF_ONE, w=tenant.workspace) == [("f", "g", 0.5, None, None)]
    aside = "select error, convert_from(body, 'utf8') from set_aside where workspace = :w"
    ((error, body),) = rows(shared_engine, aside, w=tenant.workspace)
    assert error.startswith("id: ")
    assert body.startswith('{"v":1,"generations":[],"feedback":[{')


def said_at() -> str:
    return str(wire("any")["created_at"])
