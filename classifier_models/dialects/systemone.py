"""Decision models by the System One dialect: content and typed questions in, probabilities out, no text.

A dimension of one value is one `choice`; a dimension of several is one `noul` (yes or no) per value. An answer that is
missing is never a tag. Decision models cache the state and not the questions, so all of them go in one call if it takes
them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from classifier_models import consumption, marker
from classifier_models.dialects.answers import reported_model
from classifier_models.dialects.chat import to_json_string
from classifier_models.dialects.dialect import Structure
from classifier_models.endpoints import Endpoint
from classifier_models.question import Prepared, Question
from classifier_models.reply import Answered, Case, Reply, Unanswered
from taxonomies.answer import read_tags
from taxonomies.errors import InvalidAnswerError
from taxonomies.taxonomy import NONE_OF_THESE, Dimension, Value

STRUCTURES: tuple[Structure, ...] = ("json_schema",)
YES_FROM = 0.5
NONE_MEANS = "No other choice fits."


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One question of a call: about a dimension, or about one value of it."""

    name: str
    dimension: Dimension
    value: Value | None

    def to_json(self, instructions: str) -> dict[str, Any]:
        about = self.dimension.description or self.dimension.name
        if self.value is not None:
            meaning = f"{self.value.name}: {self.value.description}" if self.value.description else self.value.name
            return {"type": "noul", "instructions": f"{about}\nDoes this apply? {meaning}"}
        criteria = {value.name: value.description or None for value in self.dimension.values}
        if self.dimension.none_of_these:
            criteria[NONE_OF_THESE] = NONE_MEANS
        return {"type": "choice", "instructions": f"{instructions}\n\n{about}".strip(), "criteria": criteria}


def url(endpoint: Endpoint) -> str:
    """Return where to POST, whether or not the base address names the version."""
    return f"{endpoint.base_url.removesuffix('/v1')}/v1/systemone"


def headers(endpoint: Endpoint) -> dict[str, str]:
    """Return the key as a bearer token, where there is one."""
    return {"Authorization": f"Bearer {endpoint.api_key}"} if endpoint.api_key else {}


def contents(endpoint: Endpoint, question: Question, structure: Structure) -> Sequence[bytes]:
    """Return one request body per so many questions as the server takes in a call."""
    state = to_json_string(f"{marker.line(question.prepared.mark)}\n{question.transcript}").encode("utf-8", "replace")
    prefixes = _prefixes(question.prepared, question.model, endpoint.quirks.questions_per_call)
    return [b"".join((prefix, state, b"}")) for prefix in prefixes]


@lru_cache(maxsize=512)
def _prefixes(prepared: Prepared, model: str, questions_per_call: int) -> tuple[bytes, ...]:
    asked = _asked(prepared)
    prefixes = []
    for start in range(0, len(asked), questions_per_call):
        part = asked[start : start + questions_per_call]
        questions = {each.name: each.to_json(prepared.instructions) for each in part}
        body = to_json_string({"model": model, "questions": questions, "state": ""})
        prefixes.append(body.encode("utf-8", "replace").removesuffix(b'""}'))
    return tuple(prefixes)


@lru_cache(maxsize=512)
def _asked(prepared: Prepared) -> tuple[Asked, ...]:
    asked: list[Asked] = []
    for dimension in prepared.taxonomy.dimensions:
        if not dimension.several:
            asked.append(Asked(name=dimension.name, dimension=dimension, value=None))
        else:  # no dimension's name has a dot in it
            asked += [Asked(name=f"{dimension.name}.{v.name}", dimension=dimension, value=v) for v in dimension.values]
    return tuple(asked)


def read(endpoint: Endpoint, question: Question, documents: Sequence[Mapping[str, Any]], latency_ms: int) -> Reply:
    """Return the tags with their certainty, or why the decisions are none."""
    model = reported_model(documents[0], question)
    parts = [
        consumption.of_decision(document.get("usage"), model=model, provider=endpoint.quirks.price_provider)
        for document in documents
    ]
    usage = consumption.total([part for part in parts if part is not None])
    answers: dict[str, Any] = {}
    for document in documents:
        found = document.get("answers")
        answers |= found if isinstance(found, Mapping) else {}
    case, detail = Case.INVALID_ANSWER, ""
    if any(isinstance(answer, Mapping) and answer.get("type") == "refusal" for answer in answers.values()):
        case = Case.REFUSED
    elif not answers:
        case, detail = Case.UNREADABLE, "no decisions in the answer"
    else:
        try:
            given, certainty = _decisions(_asked(question.prepared), answers)
            tags = read_tags(question.taxonomy, given)
        except InvalidAnswerError as error:
            detail = error.problem
        else:
            return Answered(
                tags=tags, certainty=certainty, usage=usage or consumption.NOTHING, model=model, latency_ms=latency_ms
            )
    return Unanswered(case=case, usage=usage, model=model, latency_ms=latency_ms, status=200, detail=detail)


def _decisions(
    asked: Sequence[Asked], answers: Mapping[str, Any]
) -> tuple[dict[str, str | list[str]], dict[str, float]]:
    given: dict[str, str | list[str]] = {}
    certainty: dict[str, float] = {}
    for each in asked:
        answer = answers.get(each.name)
        if not isinstance(answer, Mapping):
            raise InvalidAnswerError(f"no decision for {each.name!r}")
        name = each.dimension.name
        if each.value is None:
            given[name], sure = _choice(each, answer)
        else:
            chosen = given.setdefault(name, [])
            yes = _probability(answer.get("noul"))
            if yes is None or not isinstance(chosen, list):
                raise InvalidAnswerError(f"no probability for {each.name!r}")
            if yes >= YES_FROM:
                chosen.append(each.value.name)
            sure = max(yes, 1 - yes)
        if sure is not None:
            certainty[name] = min(sure, certainty.get(name, 1.0))  # of several yes-or-noes: the least certain
    return given, certainty


def _choice(each: Asked, answer: Mapping[str, Any]) -> tuple[str, float | None]:
    choice = answer.get("choice")
    if not isinstance(choice, str):
        raise InvalidAnswerError(f"no choice for {each.name!r}")
    probabilities = answer.get("probabilities")
    probability = _probability(probabilities.get(choice)) if isinstance(probabilities, Mapping) else None
    return choice, probability if probability is not None else _probability(answer.get("confidence"))


def _probability(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
        return None
    return float(value)
