import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from taxonomies import presets, taxonomy
from taxonomies.answer import read_answer, read_tags
from taxonomies.errors import InvalidAnswerError
from taxonomies.schema import to_json_schema
from taxonomies.taxonomy import NONE_OF_THESE, Dimension, Taxonomy, Value
from tests.taxonomies.samples import accepts, compiled, two_dimensions

names = st.from_regex(r"[a-z](_?[a-z0-9]){0,20}", fullmatch=True).filter(lambda name: name != NONE_OF_THESE)


@st.composite
def dimensions(draw: st.DrawFn) -> Dimension:
    return Dimension(
        name=draw(names),
        values=tuple(Value(name=name) for name in draw(st.lists(names, min_size=2, max_size=6, unique=True))),
        several=draw(st.booleans()),
        none_of_these=draw(st.booleans()),
    )


taxonomies = st.lists(dimensions(), min_size=1, max_size=4, unique_by=lambda dimension: dimension.name).map(
    lambda found: Taxonomy(dimensions=tuple(found))
)


@st.composite
def answers(draw: st.DrawFn, asked: Taxonomy) -> dict[str, Any]:
    """Answers that the schema allows, contradictions included."""
    return {
        name: draw(st.lists(st.sampled_from(list(choice.positions)), max_size=4))
        if choice.several
        else draw(st.sampled_from(list(choice.positions)))
        for name, choice in asked.choices.items()
    }


def contradicts_itself(answer: dict[str, Any]) -> bool:
    return any(isinstance(given, list) and NONE_OF_THESE in given and len(set(given)) > 1 for given in answer.values())


@given(st.data())
@settings(max_examples=60, deadline=None)
def test_schema_and_reading_accept_the_same_answers_save_contradictions(data: st.DataObject) -> None:
    asked = data.draw(taxonomies)
    answer = data.draw(answers(asked))
    grammar = compiled(to_json_schema(asked))
    assert accepts(grammar, json.dumps(answer))
    if contradicts_itself(answer):
        with pytest.raises(InvalidAnswerError):
            read_tags(asked, answer)
    else:
        assert accepts(grammar, json.dumps(read_answer(asked, json.dumps(answer))))


@given(st.data())
@settings(max_examples=60, deadline=None)
def test_schema_and_reading_refuse_the_same_spoilt_answers(data: st.DataObject) -> None:
    asked = data.draw(taxonomies)
    answer = data.draw(answers(asked))
    name = data.draw(st.sampled_from(list(answer)))
    match data.draw(st.sampled_from(["drop", "null", "invent", "wrap", "add"])):
        case "drop":
            del answer[name]
        case "null":
            answer[name] = None
        case "invent":
            answer[name] = ["no value"] if isinstance(answer[name], list) else "no value"
        case "wrap":
            answer[name] = NONE_OF_THESE if isinstance(answer[name], list) else [answer[name]]
        case _:
            answer["no dimension"] = "x"
    assert not accepts(compiled(to_json_schema(asked)), json.dumps(answer))
    with pytest.raises(InvalidAnswerError):
        read_tags(asked, answer)


def test_the_schema_is_strict_and_in_dimension_order() -> None:
    assert to_json_schema(two_dimensions()) == {
        "type": "object",
        "properties": {
            "department": {"type": "string", "enum": ["legal", "sales", "none_of_these"]},
            "risk": {
                "type": "array",
                "items": {"type": "string", "enum": ["secrets", "personal_data", "fraud", "none_of_these"]},
            },
        },
        "required": ["department", "risk"],
        "additionalProperties": False,
    }
    assert list(to_json_schema(two_dimensions())["properties"]) == to_json_schema(two_dimensions())["required"]


def test_the_largest_taxonomy_compiles_and_stays_within_the_strictest_known_limits() -> None:
    values = [f"value_{number:03}_".ljust(63, "x") + "y" for number in range(taxonomy.MOST_VALUES)]
    largest = taxonomy.parse(
        {
            "dimensions": [
                {"name": f"dimension_{number}", "values": values, "none_of_these": True, "several": number % 2 == 0}
                for number in range(taxonomy.MOST_DIMENSIONS)
            ]
        }
    )
    schema = to_json_schema(largest)
    allowed = [choice for dimension in largest.choices.values() for choice in dimension.positions]
    assert len(allowed) <= 1_000
    assert sum(map(len, [*allowed, *largest.choices])) <= 120_000
    right = {name: values if choice.several else NONE_OF_THESE for name, choice in largest.choices.items()}
    text = json.dumps(right, indent=2)
    assert accepts(compiled(schema), text)
    assert read_answer(largest, text) == right


@pytest.mark.parametrize("name", presets.names())
def test_every_preset_compiles_and_its_grammar_tells_right_from_wrong(name: str) -> None:
    asked = presets.load(name).taxonomy
    grammar = compiled(to_json_schema(asked))
    right: dict[str, Any] = {
        dimension.name: [dimension.values[0].name] if dimension.several else dimension.values[0].name
        for dimension in asked.dimensions
    }
    assert accepts(grammar, json.dumps(right))
    assert read_answer(asked, json.dumps(right)) == right
    first = asked.dimensions[0].name
    wrong = [{**right, first: "nonsense"}, {**right, "more": "x"}, {key: right[key] for key in right if key != first}]
    for answer in wrong:
        assert not accepts(grammar, json.dumps(answer))
    assert not accepts(grammar, json.dumps(right)[:-3])
