from typing import Any

import pytest
from pydantic import ValidationError

from taxonomies import taxonomy
from taxonomies.errors import TaxonomyError
from taxonomies.taxonomy import parse
from tests.taxonomies.samples import two_dimensions


def one(**changes: Any) -> dict[str, Any]:
    return {"dimensions": [{"name": "tone", "values": ["warm", "cold"], **changes}]}


def valued(**changes: Any) -> dict[str, Any]:
    return one(values=["warm", {"name": "cold", **changes}])


def problems_of(document: object) -> tuple[str, ...]:
    with pytest.raises(TaxonomyError) as raised:
        parse(document)
    return raised.value.problems


ALLOWED = {
    "one dimension": one(),
    "eight dimensions": {"dimensions": [{"name": f"d{n}", "values": ["a", "b"]} for n in range(8)]},
    "a name of 64 characters": one(name="a" * 64),
    "a hundred values": one(values=[f"v{n}" for n in range(100)]),
    "one value beside none of these": one(values=["warm"], none_of_these=True),
    "one value of several": one(values=["warm"], several=True),
    "a value that begins with a digit": one(values=["401k", "1099_form"]),
    "a description of 1,000 characters": valued(description="x" * 1_000),
    "twenty examples of 500 characters": valued(examples=["x" * 500] * 20),
    "text in any script, with line ends": valued(description="Kälte\n寒さ\tbrrr 🥶"),
}

REFUSED = {
    "no mapping": ([], "(document): [] is not a mapping; write keys and values"),
    "nothing": (None, "(document): None is not a mapping; write keys and values"),
    "dimensions missing": ({}, "dimensions: is missing; add it"),
    "no dimension": ({"dimensions": []}, "dimensions: is empty; give at least one entry"),
    "nine dimensions": (
        {"dimensions": [{"name": f"d{n}", "values": ["a", "b"]} for n in range(9)]},
        "dimensions: has more than 8 entries; remove some",
    ),
    "dimensions no list": ({"dimensions": "x"}, "dimensions: 'x' is not a list; write a list"),
    "a dimension twice": (
        {"dimensions": [{"name": "a", "values": ["x", "y"]}] * 2},
        "dimensions[1].name: 'a' already stands at [0]; rename or remove one",
    ),
    "an unknown key": (
        one(vallues=[]),
        "dimensions[0].vallues: is not a key known here; remove it or correct its spelling",
    ),
    "a name of 65 characters": (one(name="a" * 65), "dimensions[0].name: has 65 characters; use at most 64"),
    "an empty name": (one(name=""), "dimensions[0].name: is empty; give it a name"),
    "a name with capitals": (
        one(name="Tone of Voice"),
        "dimensions[0].name: 'Tone of Voice' is not snake_case; use a-z, 0-9 and _ inside, for example 'tone_of_voice'",
    ),
    "a name with a line end": (
        one(name="tone\n"),
        "dimensions[0].name: 'tone\\n' is not snake_case; use a-z, 0-9 and _ inside, for example 'tone'",
    ),
    "a name in another script": (
        one(name="тон"),
        "dimensions[0].name: 'тон' is not snake_case; use a-z, 0-9 and _ inside",
    ),
    "a name that begins with a digit": (
        one(name="2nd_tone"),
        "dimensions[0].name: '2nd_tone' begins with a digit; begin with a letter",
    ),
    "no values": (one(values=[]), "dimensions[0].values: is empty; give at least one entry"),
    "one value": (
        one(values=["warm"]),
        "dimensions[0].values: has one value only; add another, or set `none_of_these: true`",
    ),
    "101 values": (
        one(values=[f"v{n}" for n in range(101)]),
        "dimensions[0].values: has more than 100 entries; remove some",
    ),
    "a value twice": (
        one(values=["warm", "cold", "warm"]),
        "dimensions[0].values[2].name: 'warm' already stands at [0]; rename or remove one",
    ),
    "a reserved value": (
        one(values=["warm", "none_of_these"]),
        "dimensions[0].values[1].name: 'none_of_these' is reserved; remove the value and set `none_of_these: true`",
    ),
    "a value that YAML read as false": (
        one(values=["yes_please", False]),
        "dimensions[0].values[1].name: False is not text; "
        "write text (YAML reads yes, no, on, off, numbers and dates as such: quote them)",
    ),
    "a flag that is text": (
        one(several="yes"),
        "dimensions[0].several: 'yes' is neither true nor false; write one of them",
    ),
    "a long description": (
        valued(description="x" * 1_001),
        "dimensions[0].values[1].description: is longer than 1000 characters; shorten it",
    ),
    "a long description of a dimension": (
        one(description="x" * 1_001),
        "dimensions[0].description: is longer than 1000 characters; shorten it",
    ),
    "21 examples": (
        valued(examples=["x"] * 21),
        "dimensions[0].values[1].examples: has more than 20 entries; remove some",
    ),
    "a long example": (
        valued(examples=["x" * 501]),
        "dimensions[0].values[1].examples[0]: is longer than 500 characters; shorten it",
    ),
    "an empty example": (valued(examples=[""]), "dimensions[0].values[1].examples[0]: is empty; write some text"),
    "a NUL": (
        valued(description="a\x00b"),
        "dimensions[0].values[1].description: holds the character '\\x00' at position 1; remove it",
    ),
    "a lone surrogate": (
        valued(examples=["\ud800"]),
        "dimensions[0].values[1].examples[0]: holds the character '\\ud800' at position 0; remove it",
    ),
    "too much text in all": (
        one(values=[{"name": f"v{n}", "examples": ["x" * 500] * 20} for n in range(21)]),
        "dimensions: hold 210,000 characters of text; shorten to at most 200,000 in all",
    ),
}


@pytest.mark.parametrize("case", ALLOWED)
def test_what_the_limits_allow_is_accepted(case: str) -> None:
    document = ALLOWED[case]
    found = parse(document)
    assert [dimension.name for dimension in found.dimensions] == [entry["name"] for entry in document["dimensions"]]
    assert parse(found.model_dump(mode="json")) == found


@pytest.mark.parametrize("case", REFUSED)
def test_what_breaks_a_limit_is_named_by_its_path(case: str) -> None:
    document, problem = REFUSED[case]
    assert problems_of(document) == (problem,)


def test_several_problems_are_several_lines_each_with_its_source() -> None:
    document = {"dimensions": [{"name": "Tone", "values": ["a", "B"]}, {"values": ["a", "b"]}]}
    with pytest.raises(TaxonomyError) as raised:
        parse(document, source="tone.yaml")
    assert str(raised.value).splitlines() == [
        "tone.yaml: dimensions[0].name: 'Tone' is not snake_case; use a-z, 0-9 and _ inside, for example 'tone'",
        "tone.yaml: dimensions[0].values[1].name: 'B' is not snake_case; use a-z, 0-9 and _ inside, for example 'b'",
        "tone.yaml: dimensions[1].name: is missing; add it",
    ]


def test_a_flood_of_problems_is_cut_to_twenty_and_a_count() -> None:
    found = problems_of(one(values=[f"V{n}" for n in range(60)]))
    assert len(found) == 21
    assert found[-1] == "and 40 more; correct these first"


def test_a_long_offending_value_is_quoted_short() -> None:
    (found,) = problems_of(one(several="x" * 10_000))
    assert len(found) < 200


def test_a_taxonomy_cannot_be_changed() -> None:
    with pytest.raises(ValidationError):
        two_dimensions().dimensions = ()  # type: ignore[misc]


def test_a_dimension_is_found_by_its_name() -> None:
    assert two_dimensions().dimension("risk").several
    with pytest.raises(KeyError, match="colour"):
        two_dimensions().dimension("colour")


def test_choices_are_the_values_in_order_with_none_of_these_last() -> None:
    choices = two_dimensions().choices
    assert list(choices) == ["department", "risk"]
    assert list(choices["department"].positions) == ["legal", "sales", taxonomy.NONE_OF_THESE]
    assert (choices["department"].several, choices["risk"].several) == (False, True)
