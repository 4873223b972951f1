"""Decision models: typed questions out, probabilities back, and never a tag from an answer that is not there."""

from typing import Any

import pytest

from classifier_models import quirks
from classifier_models.dialects import systemone
from classifier_models.endpoints import Endpoint
from classifier_models.question import Prepared, prepare
from classifier_models.reply import Answered, Case, Unanswered
from taxonomies.taxonomy import parse
from tests.classifier_models.conftest import MARK, Ask, EndpointOf, question
from tests.model_server import ModelServer

DECIDER = Endpoint(name="decider", base_url="http://decider", dialect="systemone")
GOOD: dict[str, Any] = {
    "department": {"type": "choice", "choice": "legal", "probabilities": {"legal": 0.75, "sales": 0.25}},
    "risks.secrets": {"type": "noul", "noul": 0.9},
    "risks.injection": {"type": "noul", "noul": 0.4},
}


def read(prepared: Prepared, answers: object) -> Answered | Unanswered:
    return systemone.read(DECIDER, question(prepared, "USER: hi"), [{"model": "nimble", "answers": answers}], 5)


def test_one_value_is_a_choice_and_several_are_a_yes_or_no_per_value(
    ask: Ask, endpoint_of: EndpointOf, model_server: ModelServer
) -> None:
    ask("USER: hi", endpoint=endpoint_of("decider", dialect="systemone"))
    body: Any = model_server.play.requests[-1].json()
    assert model_server.play.requests[-1].path == "/v1/systemone"
    assert {name: asked["type"] for name, asked in body["questions"].items()} == {
        "department": "choice",
        "risks.secrets": "noul",
        "risks.injection": "noul",
    }
    assert list(body["questions"]["department"]["criteria"]) == ["legal", "sales", "engineering", "none_of_these"]
    assert body["state"].endswith("USER: hi")


def test_probabilities_are_kept_as_certainty_the_least_certain_of_several(prepared: Prepared) -> None:
    reply = read(prepared, GOOD)
    assert isinstance(reply, Answered)
    assert reply.tags == {"department": "legal", "risks": ["secrets"]}
    assert reply.certainty == {"department": 0.75, "risks": 0.6}


def test_no_yes_at_all_is_none_of_these(prepared: Prepared) -> None:
    reply = read(prepared, GOOD | {"risks.secrets": {"noul": 0.1}, "risks.injection": {"noul": 0.0}})
    assert isinstance(reply, Answered)
    assert reply.tags["risks"] == ["none_of_these"]


@pytest.mark.parametrize(
    "changed",
    [
        {"department": None},
        {"department": {"type": "choice"}},
        {"department": {"choice": "kitchen"}},
        {"department": {"choice": ["legal"]}},
        {"risks.secrets": None},
        {"risks.secrets": {"type": "noul"}},
        {"risks.secrets": {"noul": "0.9"}},
        {"risks.secrets": {"noul": True}},
        {"risks.secrets": {"noul": 7}},
        {"risks.secrets": {"noul": float("nan")}},
    ],
)
def test_a_missing_or_odd_decision_is_never_a_tag(changed: dict[str, Any], prepared: Prepared) -> None:
    reply = read(prepared, GOOD | changed)
    assert isinstance(reply, Unanswered)
    assert reply.case is Case.INVALID_ANSWER


@pytest.mark.parametrize("answers", [None, {}, [], "legal"])
def test_no_decisions_at_all_are_unreadable(answers: object, prepared: Prepared) -> None:
    reply = read(prepared, answers)
    assert isinstance(reply, Unanswered)
    assert reply.case is Case.UNREADABLE


def test_one_refused_decision_refuses_the_call(prepared: Prepared) -> None:
    reply = read(prepared, GOOD | {"department": {"type": "refusal"}})
    assert isinstance(reply, Unanswered)
    assert reply.case is Case.REFUSED


def test_more_questions_than_a_server_takes_go_in_several_calls(
    ask: Ask, endpoint_of: EndpointOf, model_server: ModelServer
) -> None:
    values = [f"value_{number}" for number in range(100)]
    wide = prepare(parse({"dimensions": [{"name": "topics", "several": True, "values": values}]}), "", mark=MARK)
    before = model_server.play.total
    reply = ask(
        "USER: hi\nplay-answer: topics=value_3+value_99",
        endpoint=endpoint_of("decider", dialect="systemone"),
        prepared=wide,
    )
    assert isinstance(reply, Answered)
    assert reply.tags == {"topics": ["value_3", "value_99"]}
    assert model_server.play.total - before == 100 // quirks.GENERIC.questions_per_call + 1
