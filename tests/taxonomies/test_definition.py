import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taxonomies import documents, presets
from taxonomies.definition import ClassifierDefinition, Filters, parse
from taxonomies.errors import TaxonomyError
from tests.taxonomies.samples import two_dimensions


def document(**changes: Any) -> dict[str, Any]:
    return {
        "taxonomy": two_dimensions().model_dump(mode="json"),
        "prompt": "Tag by the work done.",
        "endpoint": "openrouter",
        "model": "google/gemini-3.5-flash-lite",
        **changes,
    }


def test_defaults_read_every_whole_conversation() -> None:
    found = parse(document())
    assert (found.sampling_rate, found.sample_by, found.read) == (1.0, "generation", "conversation")
    assert found.filters == Filters()
    assert found.daily_budget_usd is None
    assert found.context_tokens is None


REFUSED = {
    "an address for an endpoint": (
        {"endpoint": "https://models.test/v1"},
        "endpoint: 'https://models.test/v1' is no endpoint's name; "
        "addresses are the operator's, name one of the configured endpoints",
    ),
    "a long endpoint": ({"endpoint": "a" * 33}, "endpoint: 'aaa"),
    "no model": ({"model": ""}, "model: is empty; write some text"),
    "a model with a blank": ({"model": "gpt 5"}, "model: 'gpt 5' holds blanks or unprintable characters"),
    "a rate above one": ({"sampling_rate": 1.1}, "sampling_rate: 1.1 does not do; it must be less than or equal to 1"),
    "a rate below zero": ({"sampling_rate": -0.1}, "sampling_rate: -0.1 does not do; it must be greater"),
    "a rate that is no number": ({"sampling_rate": float("nan")}, "sampling_rate: nan does not do"),
    "a rate that is text": ({"sampling_rate": "1"}, "sampling_rate: '1' is not a number; write a number"),
    "a rate that is true": ({"sampling_rate": True}, "sampling_rate: True is not a number; write a number"),
    "an unknown sampling unit": (
        {"sample_by": "user"},
        "sample_by: 'user' does not do; it must be 'generation' or 'session'",
    ),
    "an unknown reading": ({"read": "all"}, "read: 'all' does not do; it must be 'conversation' or 'prompts'"),
    "no budget at all": ({"daily_budget_usd": 0}, "daily_budget_usd: 0 does not do; it must be greater than 0"),
    "an infinite budget": ({"daily_budget_usd": "Infinity"}, "daily_budget_usd: 'Infinity' does not do"),
    "a budget that is true": ({"daily_budget_usd": True}, "daily_budget_usd: True is not a number"),
    "a budget in words": ({"daily_budget_usd": "five"}, "daily_budget_usd: 'five' is not a number; write a number"),
    "a tiny context": ({"context_tokens": 10}, "context_tokens: 10 does not do; it must be greater than or equal"),
    "a long prompt": ({"prompt": "x" * 20_001}, "prompt: is longer than 20000 characters; shorten it"),
    "a prompt with a NUL": ({"prompt": "a\x00"}, "prompt: holds the character '\\x00' at position 1; remove it"),
    "an empty glob": ({"filters": {"models": ["gpt-*", ""]}}, "filters.models[1]: is empty; write some text"),
    "51 globs": ({"filters": {"apps": ["x"] * 51}}, "filters.apps: has more than 50 entries; remove some"),
    "an unknown filter": ({"filters": {"teams": ["x"]}}, "filters.teams: is not a key known here"),
    "metadata that is no text": ({"filters": {"metadata": {"tier": 1}}}, "filters.metadata.tier: 1 is not text"),
    "an unknown setting": ({"temperature": 1}, "temperature: is not a key known here"),
    "a bad taxonomy": ({"taxonomy": {"dimensions": []}}, "taxonomy.dimensions: is empty; give at least one entry"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_setting_out_of_bounds_is_named_by_its_path(case: str) -> None:
    changes, problem = REFUSED[case]
    with pytest.raises(TaxonomyError) as raised:
        parse(document(**changes), source="risk.yaml")
    (found,) = raised.value.problems
    assert found.startswith(problem)
    assert str(raised.value) == f"risk.yaml: {found}"


def test_what_is_missing_is_listed() -> None:
    with pytest.raises(TaxonomyError) as raised:
        parse({})
    assert [line.partition(":")[0] for line in raised.value.problems] == ["taxonomy", "prompt", "endpoint", "model"]


globs = st.lists(st.text(st.characters(codec="utf-8", exclude_categories=["C"]), min_size=1, max_size=9), max_size=3)
definitions = st.builds(
    ClassifierDefinition,
    taxonomy=st.sampled_from([two_dimensions(), *(presets.load(name).taxonomy for name in ("audience", "risk"))]),
    prompt=st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Cn"]), max_size=50),
    endpoint=st.from_regex(r"[a-z0-9_-]{1,32}", fullmatch=True),
    model=st.from_regex(r"[a-z0-9./:-]{1,40}", fullmatch=True),
    sampling_rate=st.floats(0, 1),
    sample_by=st.sampled_from(["generation", "session"]),
    read=st.sampled_from(["conversation", "prompts"]),
    filters=st.builds(
        Filters,
        models=globs.map(tuple),
        metadata=st.dictionaries(st.from_regex(r"[a-z]{1,5}", fullmatch=True), st.just("*")),
    ),
    daily_budget_usd=st.none() | st.decimals("0.01", 1000, places=2),
    context_tokens=st.none() | st.integers(1_000, 1_000_000),
)


@given(definitions)
def test_yaml_and_json_bring_the_same_definition_back(found: ClassifierDefinition) -> None:
    assert parse(documents.read(documents.write(found.to_document()))) == found
    assert parse(json.loads(found.to_json())) == found
    assert parse(json.loads(found.to_json())).to_json() == found.to_json()


def test_the_json_form_does_not_depend_on_how_the_file_was_written() -> None:
    terse = parse(document(daily_budget_usd=5, filters={"metadata": {"a": "1", "b": "2"}}))
    wordy = parse(
        dict(
            reversed(
                document(
                    daily_budget_usd="5.00", filters={"metadata": {"b": "2", "a": "1"}, "apps": []}, sampling_rate=1
                ).items()
            )
        )
    )
    assert terse.to_json() == wordy.to_json()
    assert terse.daily_budget_usd == Decimal(5)
    assert '"daily_budget_usd":"5"' in terse.to_json()


def test_the_document_leaves_out_what_a_taxonomy_does_not_say() -> None:
    found = parse(document()).to_document()
    assert found["taxonomy"]["dimensions"][0] == {
        "name": "department",
        "values": [{"name": "legal"}, {"name": "sales"}],
        "none_of_these": True,
    }
    assert found["sampling_rate"] == 1.0
