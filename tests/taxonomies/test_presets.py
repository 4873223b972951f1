import pytest

from taxonomies import presets
from taxonomies.definition import ClassifierDefinition
from taxonomies.errors import TaxonomyError, UnknownPresetError
from taxonomies.taxonomy import NONE_OF_THESE

NAMES = (
    "agent_complexity",
    "audience",
    "capitalizable_software_expense",
    "conversation_outcome",
    "department",
    "engineering_work",
    "risk",
    "task_type",
)


def test_the_presets_are_these() -> None:
    assert presets.names() == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_a_preset_is_whole(name: str) -> None:
    preset = presets.load(name)
    assert preset.name == name
    assert preset.title
    assert preset.description
    assert len(preset.prompt) > 200
    assert preset.model == "google/gemini-3.5-flash-lite"
    assert 0 < preset.sampling_rate <= 1
    for dimension in preset.taxonomy.dimensions:
        assert dimension.description
        for value in dimension.values:
            assert len(value.description) >= 60, value.name
            assert len(value.examples) >= 3, value.name


@pytest.mark.parametrize("name", NAMES)
def test_no_example_of_a_dimension_stands_at_two_values(name: str) -> None:
    for dimension in presets.load(name).taxonomy.dimensions:
        examples = [example.casefold() for value in dimension.values for example in value.examples]
        assert len(examples) == len(set(examples))


@pytest.mark.parametrize(("name", "fewest"), [("department", 14), ("task_type", 16)])
def test_the_presets_of_the_demo_have_many_examples_per_value(name: str, fewest: int) -> None:
    for value in presets.load(name).taxonomy.dimensions[0].values:
        assert len(value.examples) >= fewest, value.name


def test_documented_values_are_there() -> None:
    def values(preset: str, dimension: str) -> set[str]:
        return {value.name for value in presets.load(preset).taxonomy.dimension(dimension).values}

    assert values("department", "department") >= {
        "engineering",
        "sales",
        "marketing",
        "legal",
        "hr",
        "finance",
        "operations",
    }
    assert values("audience", "audience") == {"internal", "client_facing", "regulator", "public"}
    assert values("engineering_work", "engineering_work") >= {
        "feature_development",
        "bug_fixing",
        "documentation",
        "refactoring",
        "code_review",
    }
    assert values("task_type", "task_type") == {
        "classification",
        "translation",
        "summarization",
        "code_generation",
        "code_review",
        "analysis",
        "creative_writing",
        "deep_reasoning",
        "simple_qa",
        "chat",
    }
    assert len(values("agent_complexity", "difficulty_tier")) == 7
    assert values("agent_complexity", "difficulty_tier") >= {"complex_multistep", "frontier_expert"}
    assert len(values("agent_complexity", "task_family")) == 10
    assert values("risk", "risk") >= {"prompt_injection", "personal_data", "secrets"}


def test_risks_may_be_several_or_none() -> None:
    dimension = presets.load("risk").taxonomy.dimension("risk")
    assert dimension.several
    assert dimension.none_of_these


@pytest.mark.parametrize("name", NAMES)
def test_a_preset_makes_a_classifier(name: str) -> None:
    preset = presets.load(name)
    made = ClassifierDefinition(
        taxonomy=preset.taxonomy,
        prompt=preset.prompt,
        endpoint="openrouter",
        model=preset.model,
        sampling_rate=preset.sampling_rate,
    )
    assert made.sampling_rate == preset.sampling_rate


@pytest.mark.parametrize("name", ["nonsense", "", "../errors", "department.yaml"])
def test_an_unknown_preset_is_refused_with_the_known_ones(name: str) -> None:
    with pytest.raises(UnknownPresetError, match="agent_complexity, audience") as raised:
        presets.load(name)
    assert repr(name) in str(raised.value)


def test_combined_presets_ask_the_dimensions_of_all() -> None:
    both = presets.combined(["department", "agent_complexity"])
    assert both.name == "department_agent_complexity"
    assert [dimension.name for dimension in both.taxonomy.dimensions] == [
        "department",
        "difficulty_tier",
        "task_family",
    ]
    assert both.sampling_rate == 1.0
    for name in ("department", "agent_complexity"):
        assert presets.load(name).prompt.strip() in both.prompt
    assert NONE_OF_THESE in both.taxonomy.choices["department"].positions


def test_all_presets_together_are_more_dimensions_than_a_classifier_may_have() -> None:
    with pytest.raises(TaxonomyError, match="has more than 8 entries"):
        presets.combined(NAMES)


def test_one_preset_combined_is_itself() -> None:
    assert presets.combined(["risk"]) is presets.load("risk")


@pytest.mark.parametrize(("chosen", "problem"), [([], "is empty"), (["risk", "risk"], "already stands")])
def test_presets_that_do_not_combine_are_refused(chosen: list[str], problem: str) -> None:
    with pytest.raises(TaxonomyError, match=problem):
        presets.combined(chosen)
