import json
from pathlib import Path

import pytest

from taxonomies import presets
from tests.console.command_line import CommandLine

aftertag = CommandLine()


def test_every_preset_is_listed_with_what_it_asks() -> None:
    shown = aftertag.done("taxonomy", "presets").stdout
    assert [name for name in presets.names() if name not in shown] == []
    listed = aftertag.done("taxonomy", "presets", "--json").json
    assert {preset["name"] for preset in listed} == set(presets.names())
    assert {preset["name"]: preset["dimensions"] for preset in listed}["agent_complexity"] == {
        "difficulty_tier": 7,
        "task_family": 10,
    }


@pytest.mark.parametrize("name", presets.names())
def test_a_preset_that_is_shown_can_be_saved_and_used_as_a_file(name: str, tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text(aftertag.done("taxonomy", "show", name).stdout)
    assert "valid; asks" in aftertag.done("taxonomy", "validate", str(file)).stdout
    for command in ("schema", "prompt"):
        of_file = aftertag.done("taxonomy", command, str(file)).stdout
        assert of_file == aftertag.done("taxonomy", command, name).stdout
    assert aftertag.done("taxonomy", "show", name, "--json").json["title"] == presets.load(name).title


def test_the_schema_is_strict() -> None:
    schema = aftertag.done("taxonomy", "schema", "department").json
    assert schema["additionalProperties"] is False
    assert schema["required"] == ["department"]


def test_every_problem_of_a_file_is_a_line_with_its_path(tmp_path: Path) -> None:
    file = tmp_path / "bad.yaml"
    file.write_text("dimensions:\n  - {name: Bad-Name, values: [a, a]}\n  - {name: fine, values: []}\n")
    ended = aftertag("taxonomy", "validate", str(file))
    assert ended.exit_code == 1
    lines = ended.stderr.splitlines()
    assert lines[0].startswith(f"{file}: dimensions[0].name: 'Bad-Name' is not snake_case")
    assert all(line.startswith(f"{file}: dimensions[") for line in lines)
    as_json = aftertag("taxonomy", "validate", str(file), "--json")
    assert as_json.exit_code == 1
    assert as_json.json["valid"] is False
    assert len(as_json.json["problems"]) == len(lines)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "(document): is not a mapping"),
        ("a: b", "(document): has no dimensions"),
        ("a: [", "line 1"),
        ("preset: risk\ndimensions: []", "(document): has dimensions and preset"),
        ("preset: nothing", "standard input: preset: there is no preset 'nothing'; choose one of: agent_complexity,"),
        ("preset: [risk, nothing]", "standard input: preset[1]: there is no preset 'nothing'"),
        (
            "preset: risk\nendpoint: ollama",
            "model: is missing, and nobody but you knows which models endpoint 'ollama'",
        ),
        ("preset: {a: b}", "preset: is not a name or a list of names"),
        ("preset: [risk, risk]", "risk"),
        ("preset: risk\nsampling_rate: 2", "sampling_rate"),
        ("preset: risk\nspeed: 2", "speed: is not a key known here"),
        ("classifiers: []", "classifiers: is missing"),
    ],
)
def test_a_document_that_is_no_taxonomy_says_why(text: str, told: str) -> None:
    ended = aftertag("taxonomy", "validate", "-", typed=text)
    assert ended.exit_code == 1
    assert told in ended.stderr
    assert "Traceback" not in ended.stderr


def test_what_is_wrong_with_the_presets_hides_no_other_problem_of_a_file() -> None:
    text = """\
    classifiers:
      work: {preset: [nothing, nope], sampling_rate: 2, state: on}
      risks: {preset: risk, endpoint: ollama, speed: 1}
      Good: {dimensions: [], sampling_rate: 3}
    """
    found = aftertag("taxonomy", "validate", "-", "--json", typed=text)
    assert found.exit_code == 1
    assert [problem.split(": ")[0] for problem in found.json["problems"]] == [
        "classifiers.work.state",
        "classifiers.work.preset[0]",
        "classifiers.work.preset[1]",
        "classifiers.work.sampling_rate",
        "classifiers.risks.speed",
        "classifiers.risks.model",
        "classifiers.Good.(name)",
        "classifiers.Good.dimensions",
        "classifiers.Good.sampling_rate",
    ]


def test_what_a_file_means_does_not_depend_on_what_is_configured_here() -> None:
    here = CommandLine(settings={"OLLAMA_HOST": "127.0.0.1:9"})
    text = "dimensions: [{name: topic, values: [a, b]}]"
    assert "valid; asks topic" in here.done("taxonomy", "validate", "-", typed=text).stdout
    assert here.done("taxonomy", "prompt", "risk").stdout == aftertag.done("taxonomy", "prompt", "risk").stdout


def test_a_file_for_apply_is_validated_classifier_by_classifier() -> None:
    text = "classifiers: {work: {preset: [department, task_type]}, risks: {preset: risk}}"
    assert aftertag.done("taxonomy", "validate", "-", typed=text).stdout.splitlines() == [
        "standard input: work: valid; asks department (11 values), task_type (10 values)",
        "standard input: risks: valid; asks risk (5 values)",
    ]
    found = json.loads(aftertag.done("taxonomy", "validate", "-", "--json", typed=text).stdout)
    assert found["classifiers"]["risks"] == {"risk": 5}


def test_what_is_neither_a_preset_nor_a_file_lists_the_presets() -> None:
    told = aftertag.refused("taxonomy", "schema", "departmnt")
    assert told.startswith("There is neither a preset nor a file 'departmnt'; the presets are: agent_complexity,")


def test_a_file_that_is_no_text_or_a_folder_is_one_sentence(tmp_path: Path) -> None:
    file = tmp_path / "binary.yaml"
    file.write_bytes(b"\xff\xfe\x00")
    told = aftertag.refused("taxonomy", "validate", str(file))
    assert told == f"{file}: (document): is not UTF-8 text; save it as UTF-8"
    assert aftertag.refused("taxonomy", "validate", str(tmp_path)).endswith("cannot be used: Is a directory.")
